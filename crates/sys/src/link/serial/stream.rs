//! Extracts messages from a stream of bytes.
//!
//! ```text
//!            a line `>>>…`               a line `<<<…`
//!   hunting ───────────────▶ collecting ───────────────▶ a message, hunting
//!      ▲                        │  ▲ │
//!      │      too long          │  └─┘ a line `>>>…`: the one before was cut short
//!      └────────────────────────┘
//! ```

use std::io;

/// The longest message in bytes: the size of the daemon's buffer for any medium.
const MESSAGE_MAX: usize = 64 << 10;
/// The most bytes that are read at once; a terminal returns no more.
const CHUNK: usize = 4096;
/// The beginning of the first line of a message.
const BEGIN: &[u8] = b">>>";
/// The beginning of its last line.
const END: &[u8] = b"<<<";

/// What was read, and the message that is being collected.
#[derive(Debug)]
pub(super) struct Stream {
    chunk: Vec<u8>,
    at: usize,
    /// While hunting, the beginning of a line; while collecting, the message so far.
    message: Vec<u8>,
    /// Where the current line begins.
    line: usize,
    is_collecting: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            chunk: Vec::with_capacity(CHUNK),
            at: 0,
            message: Vec::with_capacity(CHUNK),
            line: 0,
            is_collecting: false,
        }
    }
}

/// The result of a byte.
enum Step {
    More,
    Message,
    TooLong,
}

impl Stream {
    /// Takes what `read` returns when everything before is used up. Returns the number of bytes.
    pub(super) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.at = 0;
        self.chunk.resize(CHUNK, 0);
        let result = read(&mut self.chunk);
        self.chunk.truncate(*result.as_ref().unwrap_or(&0));
        result
    }

    /// Copies the next whole message of what was read to `out`, or returns `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a message longer than `out` or [`MESSAGE_MAX`], which is lost then.
    pub(super) fn next(&mut self, out: &mut [u8]) -> Option<io::Result<usize>> {
        while let Some(byte) = self.chunk.get(self.at).copied() {
            self.at += 1;
            match self.take(byte) {
                Step::More => {}
                Step::Message => {
                    let length = self.message.len();
                    let room = out.get_mut(..length);
                    let result = room.ok_or(io::ErrorKind::InvalidData);
                    let result = result.map(|room| room.copy_from_slice(&self.message));
                    self.hunt();
                    return Some(result.map(|()| length).map_err(Into::into));
                }
                Step::TooLong => return Some(Err(io::ErrorKind::InvalidData.into())),
            }
        }
        None
    }

    fn take(&mut self, byte: u8) -> Step {
        if byte == b'\n' {
            return self.end_line();
        }
        if !self.is_collecting {
            // The beginning of a line is enough to see whether the line begins a message.
            if self.message.len() < BEGIN.len() {
                self.message.push(byte);
            }
            return Step::More;
        }
        // Leaves room for the end of this line.
        if self.message.len() + 1 < MESSAGE_MAX {
            self.message.push(byte);
            return Step::More;
        }
        self.hunt();
        // The rest of this line does not begin a message.
        self.message.extend([0; BEGIN.len()]);
        Step::TooLong
    }

    fn end_line(&mut self) -> Step {
        let line = &self.message[self.line..];
        if line.starts_with(BEGIN) {
            self.message.clear();
            self.message.extend(BEGIN);
            self.message.push(b'\n');
            self.line = self.message.len();
            self.is_collecting = true;
            return Step::More;
        }
        if !self.is_collecting {
            self.message.clear();
            return Step::More;
        }
        let is_end = line.starts_with(END);
        self.message.push(b'\n');
        self.line = self.message.len();
        if is_end { Step::Message } else { Step::More }
    }

    fn hunt(&mut self) {
        self.message.clear();
        self.line = 0;
        self.is_collecting = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all messages of a stream that comes in pieces of `size`; `None` for a message that was too
    /// long.
    fn messages(bytes: &[u8], size: usize) -> Vec<Option<String>> {
        let mut stream = Stream::default();
        let mut out = vec![0; MESSAGE_MAX];
        let mut found = Vec::new();
        for piece in bytes.chunks(size) {
            stream
                .fill(|chunk| {
                    chunk[..piece.len()].copy_from_slice(piece);
                    Ok(piece.len())
                })
                .unwrap();
            while let Some(result) = stream.next(&mut out) {
                found.push(
                    result.ok().map(|length| String::from_utf8(out[..length].to_vec()).unwrap()),
                );
            }
            assert!(stream.message.capacity() <= 2 * MESSAGE_MAX);
        }
        found
    }

    #[test]
    fn stream_cut_anywhere_yields_the_same_messages() {
        for (bytes, expected) in [
            (">>>\na=b\n<<<\n>>>\nc=d\n<<<\n", &[">>>\na=b\n<<<\n", ">>>\nc=d\n<<<\n"][..]),
            // From the middle of a message, noise in between, no end.
            ("=b\n<<<\n\n\0noise\n>>>\nc=d\n<<<\n>>>\ne=f\n", &[">>>\nc=d\n<<<\n"]),
            // The first message is cut short: by a beginning, and by a beginning within a line.
            (">>>\na=b\nc>>>\nd=e\n>>>\nf=g\n<<<\n", &[">>>\nf=g\n<<<\n"]),
            // Words after the markers, markers within a line.
            (">>> x\na=>>>\nb=<<<\n<<< y\n", &[">>>\na=>>>\nb=<<<\n<<< y\n"]),
            (">>\n>>>\n<<<\n", &[">>>\n<<<\n"]),
        ] {
            for size in [1, 2, 3, 7, CHUNK] {
                let found: Vec<_> =
                    messages(bytes.as_bytes(), size).into_iter().flatten().collect();
                assert_eq!(found, expected, "{bytes:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn message_too_long_in_a_stream_is_lost_alone() {
        let long = format!(">>>\na={}\n<<<\n", "x".repeat(MESSAGE_MAX));
        let stream = format!("{long}>>>\nb=c\n<<<\n");
        assert_eq!(messages(stream.as_bytes(), CHUNK), [None, Some(">>>\nb=c\n<<<\n".to_owned())]);
        // A beginning that is never followed by an end must not make the stream keep everything.
        let endless = format!(">>>\n{}", "y=z\n".repeat(MESSAGE_MAX));
        assert!(messages(endless.as_bytes(), CHUNK).iter().all(Option::is_none));
    }
}
