//! Boots, reboots and shutdowns.

use crate::{Outcome, config, install, never_two, owned_by, play, print_gap};
use std::time::Instant;
use systole_lab::Node;

#[test]
fn node_joins_pair_at_boot_and_leaves_at_shutdown() -> Outcome {
    play(config(), |lab| {
        install::pair(lab)?;
        let since = Instant::now();
        let took = lab.shut_down(Node::Web1)?;
        println!("{}", lab.log(Node::Web1));
        owned_by(lab, Node::Web2)?;
        println!("the shutdown took {took:?}");
        print_gap(lab, "shutdown of the owner", since);

        let since = Instant::now();
        lab.power_on(Node::Web1)?;
        owned_by(lab, Node::Web1)?;
        println!("web1 had its group back {:?} after its power", since.elapsed());
        print_gap(lab, "boot of the preferred node", since);

        let since = Instant::now();
        let took = lab.reboot(Node::Web1)?;
        println!("the reboot took {took:?}");
        owned_by(lab, Node::Web1)?;
        print_gap(lab, "reboot of the owner", since);

        let since = Instant::now();
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        print_gap(lab, "power cut of the owner", since);
        lab.power_on(Node::Web1)?;
        owned_by(lab, Node::Web1)?;
        never_two(lab, since);
        for node in Node::ALL {
            assert_eq!(lab.system_state(node)?, ("running".to_owned(), String::new()), "{node}");
        }
        Ok(())
    })
}
