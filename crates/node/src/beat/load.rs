//! The load average, which every message carries.

use std::io;
use systole_sys::clock::LoadAverage;

/// The load average in the form that messages carry.
pub(crate) struct Load {
    file: LoadAverage,
    buffer: [u8; Self::LINE_MAX],
    length: usize,
}

impl Load {
    /// The five numbers of a load average fit with room to spare.
    const LINE_MAX: usize = 64;

    /// # Errors
    ///
    /// Without `/proc`, or when no descriptor is left.
    pub(crate) fn open() -> io::Result<Self> {
        let file = LoadAverage::open()?;
        Ok(Self { file, buffer: [0; Self::LINE_MAX], length: 0 })
    }

    /// Reads the load average again. If it cannot be read, the old value stays.
    pub(super) fn renew(&mut self) {
        if let Ok(line) = self.file.read(&mut self.buffer) {
            self.length = line.len();
        }
    }

    pub(super) fn line(&self) -> &str {
        str::from_utf8(&self.buffer[..self.length]).unwrap_or_default()
    }
}
