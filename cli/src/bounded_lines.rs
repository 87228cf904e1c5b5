//! Lines of an input that may be hostile: the program never holds more of a line than a bound.

use std::io::{self, BufRead};

/// A line without its line end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BoundedLine {
    /// The whole line.
    Whole(Vec<u8>),
    /// A line of `length` bytes, more than the bound; only its `head` is kept.
    TooLong { length: usize, head: Vec<u8> },
}

/// Reads lines that end with `\n` or `\r\n`, or with the input.
pub(crate) struct BoundedLines<R> {
    input: R,
    limit: usize,
}

impl<R: BufRead> BoundedLines<R> {
    /// The lines of `input`, each of at most `limit` bytes.
    pub(crate) fn new(input: R, limit: usize) -> Self {
        Self { input, limit }
    }

    /// The next line, or `None` at the end of the input.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Option<BoundedLine>> {
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                return Ok((length > 0).then(|| self.line(line, length)));
            }
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            length += part.len();
            // One byte above the limit, because a carriage return may still be cut off.
            let room = (self.limit + 1).saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(self.line(line, length)));
            }
        }
    }

    fn line(&self, mut line: Vec<u8>, mut length: usize) -> BoundedLine {
        if length == line.len() && line.last() == Some(&b'\r') {
            line.pop();
            length -= 1;
        }
        if length > self.limit {
            BoundedLine::TooLong { length, head: line }
        } else {
            BoundedLine::Whole(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(input: &[u8], limit: usize, buffer: usize) -> Vec<BoundedLine> {
        let mut lines = BoundedLines::new(BufReader::with_capacity(buffer, input), limit);
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn lines_end_with_a_newline_or_with_the_input() {
        for buffer in 1..8 {
            let whole = |text: &str| BoundedLine::Whole(text.into());
            assert_eq!(
                lines(b"a\n\nbcd\r\nlast", 9, buffer),
                [whole("a"), whole(""), whole("bcd"), whole("last")]
            );
            assert_eq!(lines(b"", 9, buffer), []);
        }
    }

    #[test]
    fn a_line_above_the_limit_is_counted_and_passed_over() {
        for buffer in 1..8 {
            let expected = [
                BoundedLine::Whole(b"abc".to_vec()),
                BoundedLine::TooLong { length: 9, head: b"1234".to_vec() },
                BoundedLine::Whole(b"abc".to_vec()),
            ];
            assert_eq!(lines(b"abc\r\n123456789\nabc\n", 3, buffer), expected);
        }
    }
}
