//! What a line must not contain.

use super::Breach;
use crate::tree::File;

/// Words that Rust sources must not contain, in two halves so that this file does not contain them.
const FORBIDDEN: [(&str, &str, &str); 5] = [
    ("todo", "!", "leave out what is not implemented"),
    ("unimplemented", "!", "leave out what is not implemented"),
    ("FIX", "ME", "fix it, or open an issue"),
    ("XX", "X", "fix it, or open an issue"),
    ("#[all", "ow", "use `#[expect(lint, reason = \"…\")]`"),
];

/// Places outside the project, which a clone does not have.
const OUTSIDE: [(&str, &str); 2] = [("../", "shared"), ("/wor", "k/")];

/// Checks every line of every file.
pub(super) fn check(files: &[File]) -> Vec<Breach> {
    files.iter().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in file.lines() {
        let mut tell = |what: String| breaches.push(Breach::new(&file.path, number, what));
        for (start, end) in OUTSIDE {
            if line.contains(&format!("{start}{end}")) {
                tell("names a path outside the project".to_owned());
            }
        }
        if !file.is_rust() {
            continue;
        }
        for (start, end, why) in FORBIDDEN {
            let word = format!("{start}{end}");
            if line.contains(&word) {
                tell(format!("`{word}`: {why}"));
            }
        }
        if is_unsafe(line) && !may_be_unsafe(file) {
            tell("`unsafe` belongs in crates/sys".to_owned());
        }
    }
    breaches
}

/// Returns whether a line of code, ignoring comments, begins something unsafe.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let mut words = code.split_whitespace().skip_while(|word| *word != "unsafe").skip(1);
    words.next().is_some_and(|next| ["{", "fn", "impl", "trait", "extern"].contains(&next))
}

/// Returns whether a file may be unsafe: the interfaces to Linux are, and a counting allocator in a test
/// cannot be otherwise.
fn may_be_unsafe(file: &File) -> bool {
    file.member() == Some("sys") || file.is_test() && file.text.contains("impl GlobalAlloc for")
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn breaches(path: &str, text: &str) -> usize {
        check(&[file(path, text)]).len()
    }

    #[test]
    fn forbidden_word_in_source_is_a_breach_and_in_document_allowed() {
        for (start, end, _) in FORBIDDEN {
            let text = format!("fn a() {{}}\n{start}{end}\n");
            assert_eq!(breaches("crates/core/src/a.rs", &text), 1, "{start}{end}");
            assert_eq!(breaches("docs/a.md", &text), 0, "{start}{end}");
        }
    }

    #[test]
    fn path_outside_project_is_a_breach() {
        for (start, end) in OUTSIDE {
            assert_eq!(breaches("docs/a.md", &format!("see {start}{end}a")), 1);
        }
        assert_eq!(breaches("docs/a.md", "/var/lib and ../README.md"), 0);
    }

    #[test]
    fn unsafe_code_outside_its_permitted_places_is_a_breach() {
        let text = concat!("let a = unsa", "fe { b() };\n");
        assert_eq!(breaches("crates/sys/src/clock.rs", text), 0);
        assert_eq!(breaches("crates/node/src/beat.rs", text), 1);
        assert_eq!(
            breaches("crates/node/src/beat.rs", concat!("// unsa", "fe { is not here }\n")),
            0
        );
        let allocator = concat!("unsa", "fe impl GlobalAlloc for Counting {\n");
        assert_eq!(breaches("crates/node/tests/no_alloc.rs", allocator), 0);
        assert_eq!(breaches("crates/node/src/log.rs", allocator), 1);
    }
}
