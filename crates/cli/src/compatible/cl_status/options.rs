//! The options of a sub-command, as getopt(3) reads them.

use std::mem;

/// What the options say, and the words that are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub(super) struct Flags {
    /// `-m`: sentences instead of single words.
    pub(super) for_people: bool,
    /// `-n`: normal nodes.
    pub(super) normal: bool,
    /// `-p` without an argument: ping nodes.
    pub(super) ping: bool,
    /// `-v`: more of everything.
    pub(super) verbose: bool,
    /// `-p` with an argument: the name of a parameter.
    pub(super) parameter: Option<String>,
    /// The other words.
    pub(super) words: Vec<String>,
}

/// An option that the sub-command does not have, or that lacks its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misuse {
    letter: char,
    lacks_argument: bool,
    /// The options before it.
    pub(super) flags: Flags,
}

impl Misuse {
    /// Returns the message of getopt(3) for a program of this name.
    pub(super) fn message(&self, name: &str) -> String {
        let Self { letter, lacks_argument, flags: _ } = self;
        if *lacks_argument {
            format!("{name}: option requires an argument -- '{letter}'")
        } else {
            format!("{name}: invalid option -- '{letter}'")
        }
    }
}

/// Reads the arguments. `letters` are the options; one that is followed by `:` takes an argument. Options
/// may stand behind other words, and `--` ends them.
pub(super) fn parse(letters: &str, arguments: &[String]) -> Result<Flags, Misuse> {
    let mut flags = Flags::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            flags.words.extend(rest.by_ref().cloned());
            break;
        }
        let options = argument.strip_prefix('-').filter(|options| !options.is_empty());
        let Some(options) = options else {
            flags.words.push(argument.clone());
            continue;
        };
        let mut characters = options.chars();
        while let Some(letter) = characters.next() {
            let known = letters.find(letter).filter(|_| letter != ':');
            let Some(place) = known else {
                return Err(Misuse { letter, lacks_argument: false, flags });
            };
            if letters[place + 1..].starts_with(':') {
                let attached = mem::replace(&mut characters, "".chars()).as_str();
                let value = Some(attached).filter(|text| !text.is_empty());
                let value = value.or_else(|| rest.next().map(String::as_str));
                let Some(value) = value else {
                    return Err(Misuse { letter, lacks_argument: true, flags });
                };
                flags.parameter = Some(value.to_owned());
                continue;
            }
            match letter {
                'm' => flags.for_people = true,
                'n' => flags.normal = true,
                'p' => flags.ping = true,
                _ => flags.verbose = true,
            }
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(letters: &str, line: &str) -> Result<Flags, Misuse> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(letters, &words)
    }

    #[test]
    fn options_are_read_before_and_behind_words_and_in_clusters() {
        let flags = parsed("mnpv", "web1 -mv web2").unwrap();
        assert!(flags.for_people && flags.verbose && !flags.ping);
        assert_eq!(flags.words, ["web1", "web2"]);
        assert_eq!(parsed("m", "-- -m").unwrap().words, ["-m"]);
        for line in ["-mp keepalive", "-pkeepalive -m", "-m -p keepalive"] {
            let flags = parsed("mp:", line).unwrap();
            assert_eq!((flags.parameter.as_deref(), flags.for_people), (Some("keepalive"), true));
        }
    }

    #[test]
    fn unknown_option_and_missing_argument_have_words_of_getopt() {
        let told = |letters, line| parsed(letters, line).unwrap_err().message("hbparameter");
        assert_eq!(told("mp:", "-x"), "hbparameter: invalid option -- 'x'");
        assert_eq!(told("mp:", "-m -p"), "hbparameter: option requires an argument -- 'p'");
        assert_eq!(told("m", "--help"), "hbparameter: invalid option -- '-'");
        assert_eq!(told("mp:", "-:"), "hbparameter: invalid option -- ':'");
    }
}
