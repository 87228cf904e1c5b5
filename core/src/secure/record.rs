//! Records: what travels on a link once the handshake is made, each a message of Noise behind its length.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use snow::{HandshakeState, StatelessTransportState};

use super::error::LinkError;
use crate::limits::{MAX_LINK_BYTES, MAX_LINK_RECORDS};

/// Bytes of a record's length.
pub(super) const HEADER: usize = 2;

/// Bytes by which a ciphertext is longer than what it holds.
pub(super) const TAG: usize = 16;

/// Bytes that a record holds, at most: as many as its length can tell.
pub(super) const MAX_CONTENT: usize = 65_535 - TAG;

/// The two directions of a link whose handshake is made.
///
/// # Errors
/// [`LinkError::Noise`] if it is not made.
pub(super) fn split(handshake: HandshakeState) -> Result<(Sealer, Opener), LinkError> {
    let keys = handshake.into_stateless_transport_mode().map_err(|_| LinkError::Noise)?;
    let keys = Arc::new(keys);
    let sealer = Sealer { keys: Arc::clone(&keys), sealed: Counter::default() };
    Ok((sealer, Opener { keys, opened: Counter::default() }))
}

/// The sending direction of a link: makes records of bytes.
pub struct Sealer {
    keys: Arc<StatelessTransportState>,
    sealed: Counter,
}

impl Sealer {
    /// Where in the space the records begin. Large buffers begin where a page does, and a copy from one page to the same
    /// place of another is slow (4 KiB aliasing): a processor tells reads and writes apart by their places in a page.
    const RECORDS_AT: usize = 2048;

    /// Makes as few records of `bytes` as can be, in `space`, and gives them. `space` grows if it has to, so keep it for the
    /// next call.
    ///
    /// # Errors
    /// [`LinkError::Worn`] if the link has carried as much as a link may. Then it has to be dialed anew.
    pub fn seal<'a>(&mut self, bytes: &[u8], space: &'a mut Vec<u8>) -> Result<&'a [u8], LinkError> {
        let contents = bytes.chunks(MAX_CONTENT);
        let length = contents.len().saturating_mul(HEADER + TAG).saturating_add(bytes.len());
        let end = Self::RECORDS_AT.saturating_add(length);
        if space.len() < end {
            space.resize(end, 0);
        }
        let records = space.get_mut(Self::RECORDS_AT..end).unwrap_or_default();
        let mut rest = &mut *records;
        for content in contents {
            let record = rest.split_off_mut(..content.len().saturating_add(HEADER + TAG));
            self.seal_one(content, record.ok_or(LinkError::Noise)?)?;
        }
        Ok(records)
    }

    fn seal_one(&mut self, content: &[u8], record: &mut [u8]) -> Result<(), LinkError> {
        let number = self.sealed.next(record.len())?;
        let (header, ciphertext) = record.split_first_chunk_mut().ok_or(LinkError::Noise)?;
        *header = u16::try_from(ciphertext.len()).map_err(|_| LinkError::Noise)?.to_be_bytes();
        self.keys.write_message(number, content, ciphertext).map_err(|_| LinkError::Noise)?;
        Ok(())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("sealed", &self.sealed).finish_non_exhaustive()
    }
}

/// The receiving direction of a link: takes bytes out of records.
pub(super) struct Opener {
    keys: Arc<StatelessTransportState>,
    opened: Counter,
}

impl Opener {
    /// Opens the ciphertext of the next record into `content`, which has room for as many bytes. Tells how many it
    /// holds. After an error nothing in `content` may be used, nor the link.
    ///
    /// # Errors
    /// [`LinkError::BadRecord`] if it is not the next record that the other end sealed; [`LinkError::Worn`] if the
    /// link has carried as much as a link may.
    pub(super) fn open(&mut self, ciphertext: &[u8], content: &mut [u8]) -> Result<usize, LinkError> {
        let number = self.opened.next(ciphertext.len().saturating_add(HEADER))?;
        self.keys.read_message(number, ciphertext, content).map_err(|_| LinkError::BadRecord)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// The length of the ciphertext at the start of `bytes`, if its header is there.
///
/// # Errors
/// [`LinkError::ShortRecord`] if such a record would hold nothing.
pub(super) fn ciphertext_length(bytes: &[u8]) -> Result<Option<usize>, LinkError> {
    let Some(&header) = bytes.first_chunk() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(header));
    if length > TAG { Ok(Some(length)) } else { Err(LinkError::ShortRecord) }
}

/// The number of the next record in one direction, which is its nonce. It cannot be cloned, so no number is used twice.
#[derive(Debug, Default)]
struct Counter {
    records: u64,
    bytes: u64,
}

impl Counter {
    /// The number for a record of so many bytes.
    fn next(&mut self, bytes: usize) -> Result<u64, LinkError> {
        let number = self.records;
        let carried = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if number >= MAX_LINK_RECORDS || carried > MAX_LINK_BYTES {
            return Err(LinkError::Worn);
        }
        self.records = number.saturating_add(1);
        self.bytes = carried;
        Ok(number)
    }
}

#[cfg(test)]
mod tests;
