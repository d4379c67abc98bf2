//! The words of a line that declares a medium.

use crate::finding::Finding;
use crate::lexer::Word;
use crate::number;
use crate::rule;
use crate::source::File;

/// The highest time to live, or number of hops, of a multicast medium.
const MULTICAST_TTL_MAX: u32 = 4;

/// The reason why the line of a medium was refused.
pub(super) type Refusal = Box<Finding>;

/// The words of the line of a medium.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) name: Word<'a>,
    pub(super) parts: &'a [Word<'a>],
}

impl<'a> Parts<'a> {
    pub(super) fn need(&self, at: usize, what: &str) -> Result<Word<'a>, Refusal> {
        self.parts.get(at).copied().ok_or_else(|| {
            let last = self.parts.last().unwrap_or(&self.name);
            let finding = Finding::new(
                &rule::BAD_MEDIUM,
                File::HaCf,
                last.span(),
                format!("`{}` lacks its {what}", self.name.text),
            )
            .label("expected after this")
            .help(format!("the whole line is `{}`", usage(self.name.text)));
            Box::new(finding)
        })
    }

    pub(super) fn need_as(
        &self,
        at: usize,
        what: &str,
        original: impl FnOnce() -> String,
    ) -> Result<Word<'a>, Refusal> {
        self.need(at, what).map_err(|finding| Box::new((*finding).original(original())))
    }

    /// Reads port, hops and loopback of a multicast line. Warnings about them are added to `findings`.
    pub(super) fn multicast(
        &self,
        device: Word<'_>,
        directive: &str,
        hops: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<(u16, u8, bool), Refusal> {
        let prefix = format!("ERROR: glib:  {directive} [{}]", device.text);
        let need = |at, what: &str| {
            self.need_as(at, what, || {
                format!("ERROR: glib: {directive} [{}] missing {what}", device.text)
            })
        };
        let mut number = |word: Word<'_>, what: &str, least: u32, most: u32| {
            let parsed = number::leading(word.text);
            let parsed =
                parsed.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
                    let finding = bad(word, &format!("expected a number from {least} to {most}"));
                    Box::new(finding.original(format!("{prefix} bad {what} [{}]", word.text)))
                })?;
            findings.extend(number::odd(word, parsed));
            Ok::<u32, Refusal>(parsed)
        };
        let port = number(need(2, "port")?, "port", 1, 65_535)?;
        let ttl = number(need(3, hops)?, hops, 0, MULTICAST_TTL_MAX)?;
        let loopback = number(need(4, "loop")?, "loop", 0, 1)?;
        let port = u16::try_from(port).expect("checked above");
        Ok((port, u8::try_from(ttl).expect("checked above"), loopback == 1))
    }
}

fn usage(directive: &str) -> &'static str {
    match directive {
        "mcast" => "mcast INTERFACE GROUP PORT TTL LOOP",
        "mcast6" => "mcast6 INTERFACE GROUP PORT HOPS LOOP",
        "ucast6" => "ucast6 INTERFACE ADDRESS",
        _ => "ucast INTERFACE HOST",
    }
}

pub(super) fn bad(word: Word<'_>, label: &str) -> Finding {
    Finding::new(
        &rule::BAD_MEDIUM,
        File::HaCf,
        word.span(),
        format!("`{}` is not allowed here", word.text),
    )
    .label(label)
}

pub(super) fn unknown_host(word: Word<'_>, original: String) -> Finding {
    Finding::new(
        &rule::UNKNOWN_HOST,
        File::HaCf,
        word.span(),
        format!("the host `{}` is unknown", word.text),
    )
    .label("no address found")
    .original(original)
}
