//! What is derived: `derive_key` of BLAKE3 (O'Connor, Aumasson, Neves and Wilcox-O'Hearn 2020, section 2.3), with a
//! context of its own for each purpose.

use core::fmt;

use blake3::Hasher;
use data_encoding::BASE32_NOPAD;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ids::{NodeId, RoomId};

/// The first `N` of the 32 bytes that `parts`, one after the other, give in `context`.
pub(crate) fn derive<'a, const N: usize>(
    context: &str,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> [u8; N] {
    let mut hasher = Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    first(hasher.finalize().as_bytes())
}

/// The same of a secret, and nothing of it stays behind.
pub(super) fn derive_secretly<const N: usize>(context: &str, secret: &[u8]) -> Zeroizing<[u8; N]> {
    let mut hasher = Zeroizing::new(Hasher::new_derive_key(context));
    let mut derived = hasher.update(secret).finalize();
    let start = Zeroizing::new(first(derived.as_bytes()));
    derived.zeroize();
    start
}

/// The first `N` of `bytes`; none of the callers wants more than there are.
fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    const { assert!(N <= 32, "one hash gives 32 bytes") };
    let mut start = [0; N];
    start.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    start
}

/// What the members of a private room share, and nobody else has. Wiped when it is dropped; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret([u8; Self::BYTES]);

impl Secret {
    /// Bytes of a secret.
    pub const BYTES: usize = 16;

    /// The secret with these bytes, which come from the system's random source.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret itself.
    pub const fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The key that both ends of each link of the private room have before they meet.
    pub fn psk(&self) -> Zeroizing<[u8; 32]> {
        derive_secretly("ringchat/3 door", &self.0)
    }

    /// The id of the private room.
    pub fn room(&self) -> RoomId {
        RoomId(*derive_secretly("ringchat/3 room", &self.0))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What takes the place of [`Secret::psk`] in an open room: everybody knows it.
pub fn open_psk() -> [u8; 32] {
    derive("ringchat/3 open door", [])
}

/// How a dialer names the member `id` to which it wants to link: the member knows that it is meant, and nobody else
/// learns who is.
pub fn destination(id: NodeId) -> [u8; 16] {
    let incarnation = id.incarnation().get().to_be_bytes();
    derive("ringchat/3 to", [id.key().as_slice(), &incarnation])
}

/// A key as people read and compare it: `k3f7-9qmz-x2c4-h8tw`. Two keys with the same one are not found: it has 80 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortKey([u8; 10]);

impl ShortKey {
    /// The short form of `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(derive("ringchat/3 short key", [key.as_slice()]))
    }
}

impl fmt::Display for ShortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = [0; 16];
        BASE32_NOPAD.encode_mut(&self.0, &mut letters);
        for (at, letter) in letters.iter().enumerate() {
            let dash = if at > 0 && at % 4 == 0 { "-" } else { "" };
            write!(f, "{dash}{}", char::from(letter.to_ascii_lowercase()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ShortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;
    use core::num::NonZeroU64;

    use data_encoding::HEXLOWER;

    use super::*;

    fn secret() -> Secret {
        Secret(core::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    // The expected values are those of the package `blake3` 1.0.11 of Python:
    // `blake3.blake3(material, derive_key_context=context).digest()`; the short key with `base64.b32encode`.

    #[test]
    fn the_keys_of_links_and_the_room_follow_from_the_secret() {
        let psk = "7866331800c3c882adb34dd3a06416c60daf0cd6ed58cf63677c5fd2c47e14ba";
        assert_eq!(HEXLOWER.encode(secret().psk().as_slice()), psk);
        assert_eq!(HEXLOWER.encode(&secret().room().0), "445290c2f1a56dea0ae6a8d0b341ef4b");
        assert_eq!(
            HEXLOWER.encode(&open_psk()),
            "f160096542b39a311968de2d2dedfd4504d1ce26356ecc4a207173f0a77af735"
        );
    }

    #[test]
    fn a_destination_follows_from_key_and_incarnation() {
        let id = NodeId::new([7; 32], NonZeroU64::new(0x0102_0304_0506_0708).unwrap());
        assert_eq!(HEXLOWER.encode(&destination(id)), "afca9cd5ea3a59386dd04bd378aea3df");
    }

    #[test]
    fn a_short_key_is_sixteen_letters_in_groups_of_four() {
        assert_eq!(ShortKey::new(&[7; 32]).to_string(), "iqeb-pwmc-jdvp-hppd");
        assert_eq!(format!("{:?}", ShortKey::new(&[0; 32])), "xpuh-wn2r-br5u-pquk");
    }

    #[test]
    fn nothing_shows_a_secret_and_it_is_wiped() {
        fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        wiped(&secret());
        wiped(&secret().psk());
        assert_eq!(format!("{:?} {:#?}", secret(), secret()), "Secret(..) Secret(..)");
    }
}
