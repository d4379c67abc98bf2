//! How an unfinished hand-over is written after what is known about a node.

use systole_core::{GroupSet, HandOverReason, Unfinished, UnfinishedStage};

const STAGES: [(UnfinishedStage, &str); 4] = [
    (UnfinishedStage::Releasing, "releasing"),
    (UnfinishedStage::Given, "given"),
    (UnfinishedStage::Promised, "promised"),
    (UnfinishedStage::Acquiring, "acquiring"),
];
const HOLDS: [(GroupSet, &str); 3] =
    [(GroupSet::Local, "local"), (GroupSet::Foreign, "foreign"), (GroupSet::All, "all")];

const MOTIVES: [(HandOverReason, &str); 5] = [
    (HandOverReason::Node, "order"),
    (HandOverReason::Home, "failback"),
    (HandOverReason::Carrier, "carrier"),
    (HandOverReason::Ipfail, "ipfail"),
    (HandOverReason::Failed, "failed"),
];

/// Returns stage, set and motive, each preceded by a blank.
pub(super) fn text(unfinished: Unfinished) -> String {
    let stage = STAGES.iter().find(|(stage, _)| *stage == unfinished.stage);
    let hold = HOLDS.iter().find(|(hold, _)| *hold == unfinished.hold);
    let motive = MOTIVES.iter().find(|(motive, _)| *motive == unfinished.motive);
    let words = stage.zip(hold).zip(motive);
    let text = |(((_, stage), (_, hold)), (_, motive)): ((&(_, &str), &(_, &str)), &(_, &str))| {
        format!(" {stage} {hold} {motive}")
    };
    words.map_or(String::new(), text)
}

/// Parses the words, if they are valid.
pub(super) fn parse(words: [&str; 3]) -> Option<Unfinished> {
    let (stage, _) = STAGES.iter().find(|(_, word)| *word == words[0])?;
    let (hold, _) = HOLDS.iter().find(|(_, word)| *word == words[1])?;
    let (motive, _) = MOTIVES.iter().find(|(_, word)| *word == words[2])?;
    Some(Unfinished { hold: *hold, stage: *stage, motive: *motive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_hand_over_is_parsed_as_written() {
        for (stage, _) in STAGES {
            for (hold, _) in HOLDS {
                for (motive, _) in MOTIVES {
                    let unfinished = Unfinished { hold, stage, motive };
                    let text = text(unfinished);
                    let words: Vec<&str> = text.split(' ').collect();
                    let ["", words @ ..] = &words[..] else { panic!("it begins {text:?}") };
                    let words = words.try_into().expect("three words");
                    assert_eq!(parse(words), Some(unfinished), "{text}");
                }
            }
        }
        for words in [["given", "some", "order"], ["taken", "all", "order"], ["given", "all", ""]] {
            assert_eq!(parse(words), None);
        }
    }
}
