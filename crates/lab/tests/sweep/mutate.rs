//! Files as people write them, and the mistakes that keyboards, editors and copying introduce.

/// The files from which mutations begin: `ha.cf`, `authkeys`, `haresources`.
const HA_CF: [&str; 3] = [
    "logfile /var/log/ha-log\ndebugfile /var/log/ha-debug\nkeepalive 2\ndeadtime 30\nwarntime 10\n\
     initdead 60\nudpport 694\nucast eth0 192.168.9.22\nauto_failback on\nnode web1\nnode web2\n\
     ping 192.168.9.1\nrespawn hacluster /usr/libexec/heartbeat/ipfail\n",
    "# two links\nlogfacility local0\nkeepalive 500ms\ndeadtime 10\ndeadping 12\nbaud 19200\n\
     hopfudge 1\nrealtime off\ndebug 0\nuse_logd no\nbcast eth0\nmcast eth1 239.0.0.42 694 1 0\n\
     auto_failback off\nnode web1 web2\nping_group way 192.168.9.1 192.168.9.2\n\
     apiauth ipfail uid=hacluster\nenv MODE=fast\n",
    "logfile /var/log/ha-log # all\nsyslogmsgfmt true\nconn_logd_time 60\ncompression zlib\n\
     compression_threshold 2\ntraditional_compression off\nmsgfmt classic\nmax_rexmit_delay 250\n\
     hbgenmethod file\nuuidfrom file\ncluster linux-ha\ncoredumps true\nautojoin none\ncrm off\n\
     log_badpack true\nmemreserve 6500\nrecord_config_changes on\nkeepalive 1\ndeadtime 5\n\
     initdead 20\nbcast eth0 eth1\nauto_failback legacy\nnode\tweb1\nnode\tWeb2\n",
];
const AUTHKEYS: [&str; 3] = [
    "auth 1\n1 sha1 SomethingLongAndSecret\n",
    "# keys\nauth 3\n1 crc\n2 md5 Hello\n3 sha1 two words\n",
    "#\n  auth 2\n\n2\tmd5\t\"quoted\"\n",
];
const HARESOURCES: [&str; 3] = [
    "web1 192.168.9.100/24/eth0 nginx\n",
    "# groups\nweb1 192.168.9.100 drbddisk::r0 Filesystem::/dev/drbd0::/srv::ext4\nWeb2 IPaddr::192.168.9.101/24\n",
    "web1 \\\n  192.168.9.100 \\\n  nginx\nweb2 192.168.9.101 apache # web\n",
];

/// Numbers, times and words that are almost right.
const ODD: [&str; 40] = [
    "0",
    "00",
    "1",
    "01",
    "010",
    "+1",
    "-1",
    "1.",
    ".5",
    "0.5",
    "1.5",
    "1.2.3",
    "1,5",
    "1e3",
    "0x10",
    "2s",
    "2 s",
    "2sec",
    "500ms",
    "500MS",
    "500 ms",
    "500msec",
    "10us",
    "10usec",
    "2m",
    "1h",
    "65536",
    "4294967296",
    "99999999999999999999",
    "on",
    "ON",
    "yes",
    "Y",
    "true",
    "TRUE",
    "off",
    "no",
    "legacy",
    "none",
    "nonsense",
];
/// Texts that are inserted by mistake.
const SLIPS: [&str; 26] = [
    " ", "  ", "\t", "\r", "\u{b}", "\u{c}", "\0", ",", ";", ":", "::", "#", "//", "\\", "\"", "'",
    "=", "/", "-", "+", ".", "\u{a0}", "\u{e9}", "\u{feff}", "x", "1",
];
/// Whole lines that are copied from elsewhere.
const LINES: [&str; 44] = [
    "",
    " ",
    "\t#",
    "#",
    "//",
    ";",
    "keepalive",
    "keepalive 1",
    "deadtime 20",
    "deadtime",
    "warntime 5",
    "initdead 12",
    "deadping 20",
    "udpport 695",
    "node",
    "node web3",
    "node web1",
    "bcast",
    "bcast eth0",
    "bcast eth1,eth0",
    "bcast lo",
    "bcast nosuch",
    "udp eth0",
    "ucast eth0",
    "ucast eth0 192.168.9.23 x",
    "mcast eth0",
    "mcast eth0 225.0.0.1 694 1 0",
    "ping",
    "ping 192.168.9.1",
    "ping_group",
    "auto_failback",
    "nice_failback on",
    "hopfudge 300",
    "normalpoll 1",
    "crm yes",
    "env A=b C",
    "auth 1",
    "auth1",
    "auth",
    "1 sha1 x",
    "2 crc",
    "web1",
    "web1 nginx",
    "web3 nginx",
];

/// A random number for each call, always the same ones for a seed (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Which of the three files is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    HaCf,
    Authkeys,
    Haresources,
}

/// Three files, one of which was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) which: Which,
    pub(crate) ha_cf: Vec<u8>,
    pub(crate) authkeys: Vec<u8>,
    pub(crate) haresources: Vec<u8>,
}

impl Case {
    /// Makes the case of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let which =
            [Which::HaCf, Which::HaCf, Which::Authkeys, Which::Haresources][random.below(4)];
        let mut text = match which {
            Which::HaCf => random.pick(&HA_CF),
            Which::Authkeys => random.pick(&AUTHKEYS),
            Which::Haresources => random.pick(&HARESOURCES),
        }
        .to_owned();
        for _ in 0..=random.below(3) {
            text = mutated(&text, random);
        }
        // A two-byte character is also written as the single byte of older encodings.
        let is_latin1 = random.below(2) == 0;
        let bytes = if is_latin1 {
            text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
        } else {
            text.into_bytes()
        };
        let mut case = Self {
            which,
            ha_cf: HA_CF[0].into(),
            authkeys: AUTHKEYS[0].into(),
            haresources: HARESOURCES[0].into(),
        };
        *case.changed_mut() = bytes;
        case
    }

    fn changed_mut(&mut self) -> &mut Vec<u8> {
        match self.which {
            Which::HaCf => &mut self.ha_cf,
            Which::Authkeys => &mut self.authkeys,
            Which::Haresources => &mut self.haresources,
        }
    }

    /// Returns the file that was changed.
    pub(crate) fn changed(&self) -> &[u8] {
        match self.which {
            Which::HaCf => &self.ha_cf,
            Which::Authkeys => &self.authkeys,
            Which::Haresources => &self.haresources,
        }
    }
}

/// Makes one mistake.
fn mutated(text: &str, random: &mut Random) -> String {
    match random.below(14) {
        0 | 1 => inserted(text, random),
        2 => without_a_character(text, random),
        3 => with_other_word(text, random, |_, random| random.pick(&ODD).to_owned()),
        4 => with_other_word(text, random, |word, random| match random.below(5) {
            0 => word.to_uppercase(),
            1 => word[..1].to_uppercase() + &word[1..],
            2 => format!("\"{word}\""),
            3 => format!("'{word}'"),
            _ => format!("{word}{word}"),
        }),
        5 => with_lines(text, random, |lines, at, random| {
            lines.insert(at, random.pick(&LINES).to_owned());
        }),
        6 => with_lines(text, random, |lines, at, _| drop(lines.remove(at))),
        7 => with_lines(text, random, |lines, at, _| lines.insert(at, lines[at].clone())),
        8 => with_lines(text, random, |lines, at, random| {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }),
        9 => with_lines(text, random, |lines, at, random| {
            let next = if at + 1 < lines.len() { lines.remove(at + 1) } else { String::new() };
            lines[at] =
                format!("{}{}{next}", lines[at], random.pick(&["", " ", " \\\n", "\\\n", ","]));
        }),
        10 => with_lines(text, random, |lines, at, random| {
            let end = random
                .pick(&["#", " #", " # x", " //x", "\\", " \\", " ", "\t", "\r", ",", " x", "\0x"]);
            lines[at].push_str(end);
        }),
        11 => text.replace('\n', "\r\n"),
        12 => truncated(text, random),
        _ => with_lines(text, random, |lines, at, random| {
            // Around the length at which heartbeat 3.0.6 ends a line.
            let length = 5110 + random.below(20);
            let fill = random.pick(&[" ", "x", "# "]);
            let missing = length.saturating_sub(lines[at].len()) / fill.len();
            lines[at].push_str(&fill.repeat(missing));
        }),
    }
}

fn inserted(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    let at = place(&text, random);
    text.insert_str(at, random.pick(&SLIPS));
    text
}

fn without_a_character(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    let at = place(&text, random);
    if at < text.len() {
        text.remove(at);
    }
    text
}

fn truncated(text: &str, random: &mut Random) -> String {
    match random.below(3) {
        // The last line end, which editors of other systems leave out.
        0 | 1 => text.trim_end_matches('\n').to_owned(),
        _ => text[..place(text, random)].to_owned(),
    }
}

/// Returns where a character begins, or the end.
fn place(text: &str, random: &mut Random) -> usize {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    places[random.below(places.len())]
}

fn with_other_word(
    text: &str,
    random: &mut Random,
    other: impl Fn(&str, &mut Random) -> String,
) -> String {
    let words: Vec<&str> = text.split_ascii_whitespace().filter(|word| word.is_ascii()).collect();
    let Some(word) = words.get(random.below(words.len())).copied() else { return text.to_owned() };
    let at = word.as_ptr() as usize - text.as_ptr() as usize;
    format!("{}{}{}", &text[..at], other(word, random), &text[at + word.len()..])
}

fn with_lines(
    text: &str,
    random: &mut Random,
    change: impl Fn(&mut Vec<String>, usize, &mut Random),
) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    let at = random.below(lines.len());
    change(&mut lines, at, random);
    lines.join("\n") + "\n"
}
