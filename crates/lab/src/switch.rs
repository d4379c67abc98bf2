//! A power switch that nodes can reach without a network: it fences them in the laboratory.

use crate::{Lab, LabError, Node};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// The directory on the node's disk through which a node's programs and the switch communicate.
const FOLDER: &str = "var/lib/power";
/// How often the switch looks for requests.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks the switch to switch a node off, and waits until it has done so. Fails instead as many times as the
/// file `failures` says.
const ASK: &str = "\
#!/bin/sh
cd /var/lib/power || exit 1
echo \"$1\" >>asked
failures=$(cat failures 2>/dev/null || echo 0)
if [ \"$failures\" -gt 0 ]; then
    echo $((failures - 1)) >failures
    echo 'the switch does not answer' >&2
    exit 1
fi
rm -f done
echo \"$1\" >request.new && mv request.new request
while [ ! -e done ]; do sleep 0.05; done
";
/// An agent with the options of fence-agents on its standard input.
const AGENT: &str = "\
#!/bin/sh
while IFS='=' read -r name value; do
    case $name in plug) node=$value ;; password) echo \"logged in with $value\" ;; esac
done
exec /var/lib/power/ask \"$node\"
";
/// A plug-in of cluster-glue.
const PLUG_IN: &str = "\
#!/bin/sh
case $1 in
gethosts) echo web1; echo web2 ;;
reset | off) exec /var/lib/power/ask \"$2\" ;;
on | status) ;;
getconfignames) echo hostlist ;;
getinfo-devid | getinfo-devname | getinfo-devdescr) echo 'power switch of the laboratory' ;;
getinfo-devurl) echo http://localhost/ ;;
getinfo-xml) echo '<parameters></parameters>' ;;
*) exit 1 ;;
esac
";

/// The files on a node's disk for this: path, text.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("var/lib/power/ask", ASK),
    ("var/lib/power/sbin/fence_lab", AGENT),
    ("var/lib/power/external/lab", PLUG_IN),
];

/// Shows the programs where daemons look for them: over the host's own.
pub(crate) const SHOW: &str = "\
mount -t overlay -o lowerdir=/var/lib/power/sbin:/usr/sbin overlay /usr/sbin
if [ -d /usr/lib/stonith/plugins/external ]; then
    mount -t overlay -o lowerdir=/var/lib/power/external:/usr/lib/stonith/plugins/external overlay \\
        /usr/lib/stonith/plugins/external
fi
";

impl Lab {
    /// Carries out the requests of nodes to the power switch until `over` is set: a node that a request names
    /// loses its power. For a separate thread.
    ///
    /// # Errors
    ///
    /// When a node cannot be switched off, or when the answer cannot be written.
    pub fn attend_power_switch(&self, over: &AtomicBool) -> Result<(), LabError> {
        while !over.load(Ordering::Acquire) {
            for asker in Node::ALL {
                self.look_at_switch(asker)?;
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Returns how often a node's programs asked the switch, whatever the result.
    #[must_use]
    pub fn switch_asked(&self, by: Node) -> usize {
        self.read_file(by, &format!("{FOLDER}/asked")).lines().count()
    }

    /// Makes the given number of future requests of a node fail.
    ///
    /// # Errors
    ///
    /// When that cannot be written on its disk.
    pub fn fail_switch(&self, by: Node, times: u32) -> Result<(), LabError> {
        self.write_file(by, &format!("{FOLDER}/failures"), &format!("{times}\n"))
    }

    fn look_at_switch(&self, asker: Node) -> Result<(), LabError> {
        let request = self.host(asker).disk.path(&format!("{FOLDER}/request"));
        let Ok(name) = fs::read_to_string(&request) else { return Ok(()) };
        // A node that asks has power, or had power when it asked.
        let _ = fs::remove_file(&request);
        if let Some(node) = Node::ALL.into_iter().find(|node| node.name() == name.trim())
            && self.is_powered(node)
        {
            self.power_off(node)?;
        }
        self.write_file(asker, &format!("{FOLDER}/done"), "")
    }
}
