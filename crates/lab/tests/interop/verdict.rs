//! Compares what a pair did with what two C nodes do.

use crate::control::{Control, Step};
use crate::lines::Complaints;
use crate::pair::{Kind, Pair};
use std::fmt::Write as _;
use systole_lab::Node;

/// Returns what is wrong with a run, one line for each error; empty when nothing is.
pub(crate) fn compare(control: &Control, run: &[Step], pair: Pair) -> String {
    let mut wrong = String::new();
    if control.steps.len() != run.len() {
        return "the control tells another story: run `just control`\n".to_owned();
    }
    for (known, step) in control.steps.iter().zip(run) {
        if known.name != step.name {
            return format!("the control knows no step `{}`: run `just control`\n", step.name);
        }
        if known.owners != step.owners {
            let (owners, known) = (step.owners, known.owners);
            let _ = writeln!(wrong, "{}: owned by {owners:?} and not by {known:?}", step.name);
        }
        if step.doubled && !known.doubled {
            let _ = writeln!(wrong, "{}: an address was on both nodes", step.name);
        }
    }
    for node in Node::ALL {
        if pair.kind(node) == Kind::Classic {
            wrong += &new_complaints(control, run, node);
        }
    }
    wrong
}

/// Returns the complaints of a C node that it does not make, or makes less often, next to another C node.
///
/// Complaints are counted from the beginning to the end of each step, and may come one step earlier than in
/// the control: the exact end of a step depends on timing.
fn new_complaints(control: &Control, run: &[Step], node: Node) -> String {
    let mut wrong = String::new();
    for end in 1..=run.len() {
        let said = sum(&run[..end], node);
        let allowed = sum(&control.steps[..control.steps.len().min(end + 1)], node);
        for (words, count) in &said {
            let most = allowed.get(words).copied().unwrap_or(0);
            // An error counts once, however often it occurs; there must not be more warnings than in the
            // control.
            let is_worse = if words.starts_with("WARN") { *count > most } else { most == 0 };
            if is_worse {
                let step = &run[end - 1].name;
                let _ = writeln!(wrong, "{step}: {node} said {count} times, not {most}: {words}");
            }
        }
        if !wrong.is_empty() {
            break;
        }
    }
    wrong
}

fn sum(steps: &[Step], node: Node) -> Complaints {
    let mut all = Complaints::new();
    for step in steps {
        let [web1, web2] = &step.complaints;
        let complaints = match node {
            Node::Web1 => web1,
            Node::Web2 => web2,
        };
        for (words, count) in complaints {
            *all.entry(words.clone()).or_default() += count;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(complaints: &[(&str, u32)]) -> Step {
        let web1 = complaints.iter().map(|(words, count)| ((*words).to_owned(), *count)).collect();
        let owners = [Some(Node::Web1), Some(Node::Web2)];
        let complaints = [web1, Complaints::new()];
        Step { name: "start".to_owned(), owners, doubled: false, complaints }
    }

    fn verdict(control: &[(&str, u32)], run: &[(&str, u32)]) -> String {
        let control = Control { runs: 1, steps: vec![step(control)] };
        compare(&control, &[step(run)], Pair::CLASSIC_OURS)
    }

    #[test]
    fn more_warnings_and_new_errors_are_wrong() {
        assert_eq!(verdict(&[("WARN: a", 2)], &[("WARN: a", 2)]), "");
        assert_eq!(verdict(&[("WARN: a", 2), ("ERROR: b", 1)], &[("ERROR: b", 3)]), "");
        let words = verdict(&[("WARN: a", 2)], &[("WARN: a", 3)]);
        assert_eq!(words, "start: web1 said 3 times, not 2: WARN: a\n");
        assert!(!verdict(&[], &[("ERROR: b", 1)]).is_empty());
    }

    #[test]
    fn another_owner_and_a_double_one_are_wrong() {
        let control = Control { runs: 1, steps: vec![step(&[])] };
        let mut other = step(&[]);
        other.owners = [None, Some(Node::Web2)];
        other.doubled = true;
        let wrong = compare(&control, &[other], Pair::CLASSIC_OURS);
        assert_eq!(wrong.lines().count(), 2, "{wrong}");
    }

    #[test]
    fn our_own_words_are_not_compared() {
        let control = Control { runs: 1, steps: vec![step(&[])] };
        assert_eq!(compare(&control, &[step(&[("WARN: new", 1)])], Pair::OURS_CLASSIC), "");
    }
}
