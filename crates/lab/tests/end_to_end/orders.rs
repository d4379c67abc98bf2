//! Orders and queries of an administrator.

use crate::play::play;
use crate::{Outcome, owned_by};
use systole_lab::{ClusterConfig, Node};

#[test]
fn hb_standby_command_moves_group_and_journal_tells_why() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        let address = lab.config().address.to_string();
        let link = ["sh", "-ec", "ln -s \"$(command -v hb)\" /run/hb_standby"];
        assert!(lab.run(Node::Web1, &link)?.success());
        let wrong = lab.run(Node::Web1, &["/run/hb_standby", "bogus"])?;
        assert_eq!(wrong.code, Some(1));
        assert_eq!(wrong.stdout, "/run/hb_standby: wrong resources(bogus).\nusage:\n");
        assert_eq!(wrong.stderr, "/run/hb_standby [all|foreign|local|failback]\n");

        let right = lab.run(Node::Web1, &["/run/hb_standby", "local"])?;
        assert_eq!((right.code, right.stdout.as_str()), (Some(0), ""));
        assert!(right.stderr.ends_with(" Going standby [local].\n"), "{right:?}");
        owned_by(lab, Node::Web2)?;

        let story =
            ["ordered: standby [local]", "web1 stops it", "runs on web2", "as reported by web2"];
        let giver = lab.wait_for_answer(Node::Web1, &["hb", "why", &address], &story)?;
        let hands = "web1 hands it over to web2";
        let taker = lab.wait_for_answer(Node::Web2, &["hb", "why"], &[hands])?;
        println!("on the giver:\n{giver}on the taker:\n{taker}");
        let unknown = lab.run(Node::Web2, &["hb", "why", "10.9.9.9"])?;
        assert_eq!(unknown.code, Some(1));
        assert!(unknown.stderr.contains("the journal has no group 10.9.9.9; it has"));
        Ok(())
    })
}
