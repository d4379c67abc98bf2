//! The three files as the shell read them.

use std::fmt;

/// One of the three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum File {
    /// Nodes, times, links and everything else about the daemon.
    HaCf,
    /// The secrets that sign messages.
    Authkeys,
    /// The groups and the nodes that should run them.
    Haresources,
}

impl File {
    /// Returns the name inside the configuration directory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HaCf => "ha.cf",
            Self::Authkeys => "authkeys",
            Self::Haresources => "haresources",
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The result of reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// The whole text; bytes that are not UTF-8 were replaced.
    Text(&'a str),
    /// There is no such file.
    Missing,
    /// Permission to read it was denied.
    Denied,
    /// Something exists at the path and cannot be read, for this reason: `it is a directory`.
    Unreadable(&'a str),
}

/// A file: the path to show to people, and the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The path as shown in findings.
    pub path: &'a str,
    /// Its text, or why there is none.
    pub content: Content<'a>,
}

impl<'a> Source<'a> {
    /// Makes a file that was read.
    #[must_use]
    pub const fn text(path: &'a str, text: &'a str) -> Self {
        Self { path, content: Content::Text(text) }
    }

    /// Returns the text, or an empty text when there is none.
    #[must_use]
    pub const fn text_or_empty(&self) -> &'a str {
        match self.content {
            Content::Text(text) => text,
            Content::Missing | Content::Denied | Content::Unreadable(_) => "",
        }
    }

    /// Returns the path as heartbeat 3.0.6 prints it: its directory constant ends in a slash, and another
    /// slash follows.
    pub(crate) fn original_path(&self) -> String {
        match self.path.rsplit_once('/') {
            Some((directory, name)) => format!("{directory}//{name}"),
            None => self.path.to_owned(),
        }
    }
}

/// The three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources<'a> {
    /// `ha.cf`.
    pub ha_cf: Source<'a>,
    /// The permission bits of `ha.cf`, when known.
    pub ha_cf_mode: Option<u32>,
    /// `authkeys`.
    pub authkeys: Source<'a>,
    /// The permission bits of `authkeys`, when known.
    pub authkeys_mode: Option<u32>,
    /// Whether `authkeys` is not UTF-8, and each character of its text is one byte of the file (ISO 8859-1):
    /// for a key the bytes count, not their meaning.
    pub authkeys_is_latin1: bool,
    /// `haresources`.
    pub haresources: Source<'a>,
}

impl<'a> Sources<'a> {
    /// Returns one of the three files.
    #[must_use]
    pub const fn get(&self, file: File) -> &Source<'a> {
        match file {
            File::HaCf => &self.ha_cf,
            File::Authkeys => &self.authkeys,
            File::Haresources => &self.haresources,
        }
    }
}
