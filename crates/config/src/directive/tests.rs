use super::*;
use crate::values::span;
use std::collections::BTreeSet;

#[test]
fn directive_names_are_unique_and_case_sensitive() {
    for directive in all() {
        assert!(std::ptr::eq(find(directive.name).unwrap(), directive), "{}", directive.name);
        let is_refused = directive.role == Role::NotBuilt;
        assert_eq!(is_refused, directive.ours == "refused", "the role of {}", directive.name);
    }
    assert!(find("Keepalive").is_none());
}

#[test]
fn directive_list_positions_have_no_gap() {
    let places: BTreeSet<u8> = all().filter_map(|row| Some(row.listed?.0)).collect();
    let count = u8::try_from(recorded().len()).unwrap();
    assert!(places.into_iter().eq(1..=count), "the next place is {count}");
}

#[test]
fn default_options_start_in_order_of_c_heartbeat() {
    let names: Vec<_> = default_options().iter().map(|option| option.directive).take(4).collect();
    assert_eq!(names, ["cluster", "hopfudge", "keepalive", "deadtime"]);
}

#[test]
fn directive_defaults_match_kind_of_directive() {
    let draft = Draft::default();
    for row in all() {
        let Role::Setting(kind) = row.role else { continue };
        let has_default = !matches!(row.default, DefaultValue::None | DefaultValue::Shown(_));
        let default = row.default_value(&draft);
        assert_eq!(default.is_some(), has_default, "{} cannot be {:?}", row.name, row.default);
        let is_time = matches!(kind, Kind::Time(_) | Kind::Milliseconds { .. });
        assert_eq!(is_time, matches!(default, Some(Parsed::Time(_))), "{}", row.name);
        assert!(
            kind != Kind::Boolean || default.is_some() || row.change == Told::Nowhere,
            "{}",
            row.name
        );
    }
}

#[test]
fn directive_in_use_has_its_change_reported() {
    for row in all() {
        let is_setting = matches!(row.role, Role::Setting(_));
        let is_used = is_setting && !matches!(row.support, Support::Inert(_));
        let is_told = row.change != Told::Nowhere;
        assert!(is_told || !is_used, "how is a change of `{}` told?", row.name);
        assert!(is_setting || !is_told, "`{}` has no value to compare", row.name);
        assert!(row.listed.is_some() || !is_told, "scripts would not see `{}`", row.name);
    }
}

/// Returns the default as the documents write it.
fn documented_default(row: &Directive) -> String {
    let DefaultValue::Text(text) = row.default else { return row.default_words.to_owned() };
    match (row.role, row.default_value(&Draft::default())) {
        (Role::Setting(Kind::Time(Zero::Means(_)) | Kind::Milliseconds { .. }), _) => {
            text.to_owned()
        }
        (_, Some(Parsed::Time(time))) => span(time),
        (_, Some(Parsed::Boolean(_) | Parsed::Number(_))) | (Role::Pacemaker, _) => text.to_owned(),
        (_, Some(Parsed::Word(_) | Parsed::Nothing) | None) => format!("`{text}`"),
    }
}

#[test]
fn ha_cf_chapter_matches_directive_tables() {
    let book = include_str!("../../../../docs/ha.cf.md");
    for topic in TOPICS {
        let (_, section) = book.split_once(&format!("## {}\n", topic.title)).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let lines: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let mut written = lines.iter();
        for row in topic.rows {
            let Directive { name, meaning, classic, ours, .. } = row;
            let cells = [&format!("`{name}`"), *meaning, &documented_default(row), classic, ours];
            let line: String =
                cells.iter().map(|cell| format!(" {cell} |").replace("  |", " |")).collect();
            let line = format!("|{line}");
            let is_written = written.next().is_some_and(|it| *it == line);
            assert!(is_written, "docs/ha.cf.md must have here below `{}`:\n{line}", topic.title);
        }
        assert_eq!(written.next(), None, "a directive that does not exist");
    }
}

/// Returns the entries of the manual page for each directive.
fn entries(page: &str) -> Vec<(&str, &str)> {
    let items = page.split("\n.It Cm ").skip(1);
    let items = items.map(|item| item.split("\n.El").next().unwrap());
    let named = items.flat_map(|item| {
        // Several directives may share an entry: `logfile Ar path , Cm debugfile Ar path`.
        let head = item.lines().next().unwrap();
        let names = head.split(" , Cm ").map(|part| part.split_whitespace().next().unwrap());
        names.map(move |name| (name, item))
    });
    named.collect()
}

#[test]
fn manual_page_lists_new_directives_and_states_defaults() {
    let entries = entries(include_str!("../../../../docs/man/ha.cf.5"));
    for (name, _) in &entries {
        assert!(find(name).is_some(), "docs/man/ha.cf.5 has `{name}`, which does not exist");
    }
    for row in all() {
        let texts: Vec<&str> =
            entries.iter().filter(|(name, _)| *name == row.name).map(|(_, text)| *text).collect();
        assert!(
            !texts.is_empty() || row.support != Support::New,
            "docs/man/ha.cf.5 lacks `{}`",
            row.name
        );
        if let DefaultValue::Text(_) = row.default
            && !texts.is_empty()
        {
            let default = documented_default(row);
            let default = default.trim_matches('`');
            let tells = texts.iter().any(|text| text.contains(default));
            assert!(tells, "docs/man/ha.cf.5, `{}`: the default is {default}", row.name);
        }
    }
}

#[test]
fn reload_chapter_states_effect_of_each_directive() {
    let chapter = include_str!("../../../../docs/reload.md");
    let table = chapter.lines().filter(|line| line.starts_with("| "));
    let (mut at_once, mut by_restart) = (String::new(), String::new());
    for line in table {
        let mut cells = line.split('|').skip(1);
        at_once += cells.next().unwrap();
        by_restart += cells.next().unwrap();
    }
    for row in all() {
        let Told::As(subject, takes) = row.change else { continue };
        let word = format!("`{}`", row.name);
        let is_live = takes != Takes::Restart;
        assert_eq!(at_once.contains(&word), is_live, "docs/reload.md, {word} takes {takes:?}");
        let is_told_alone = matches!(subject, Subject::Times | Subject::Agents);
        let is_in_the_right_column = by_restart.contains(&word);
        assert!(!(is_live && is_in_the_right_column), "docs/reload.md, {word}");
        assert!(is_live || !is_told_alone || is_in_the_right_column, "docs/reload.md, {word}");
    }
}
