//! An isolated environment in which both daemons read three files: it has its own network, processes and
//! disks, and everything outside is read-only.

use crate::mutate::Case;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Makes the environment, then answers: for each input line both daemons are started with `-v`, which prints
/// what they made of the files, and killed with everything that they started.
const SCRIPT: &str = r#"
folder=$1
ours=$2
exec 3>&1 >/dev/null
echo web1 >/proc/sys/kernel/hostname
ip link set lo up
ip link add eth0 type veth peer name eth1
ip address add 192.168.9.20/24 broadcast + dev eth0
ip address add 10.9.1.20/24 broadcast + dev eth1
ip link set eth0 up
ip link set eth1 up
mount --bind "$folder" "$folder"
cp -a /etc/ha.d "$folder/ha.d"
mount -t tmpfs none /run
mkdir -p /run/lock /run/heartbeat/rsctmp
mount -t tmpfs none /var/log
mount -t tmpfs none /var/lib/heartbeat
mkdir -p /var/lib/heartbeat/cores/root
chown -R hacluster:haclient /run/heartbeat /var/lib/heartbeat
mount --bind "$folder/ha.d" /etc/ha.d
mount -o remount,bind,ro /
cd /
ask() {
    rm -f /run/heartbeat.pid
    "$2" -v </dev/null >"$folder/$1.out" 2>"$folder/$1.err" || code=$?
    echo "${code:-0}" >"$folder/$1.code"
    code=
    kill -9 -1 2>/dev/null || true
}
echo ready >&3
while read -r word; do
    for file in ha.cf authkeys haresources; do
        cp "$folder/$file" "/etc/ha.d/$file"
    done
    chmod 600 /etc/ha.d/authkeys
    ask c /usr/libexec/heartbeat/heartbeat
    ask ours "$ours"
    HA_CURHOST=web1 /usr/share/heartbeat/ResourceManager ourkeys >"$folder/web1" 2>/dev/null || true
    HA_CURHOST=web1 /usr/share/heartbeat/ResourceManager otherkeys >"$folder/web2" 2>/dev/null || true
    echo done >&3
done
"#;

/// The output of a daemon.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: i32,
    /// The configuration in force.
    pub(crate) configuration: String,
    /// Its complaints.
    pub(crate) complaints: String,
}

/// The output of both daemons, and of heartbeat's script.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) c: Said,
    pub(crate) ours: Said,
    /// The resources of the groups of web1 and of web2, one per line.
    pub(crate) groups: [String; 2],
}

/// The environment. It ends with its first process when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    keeper: Child,
    order: ChildStdin,
    answer: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

impl Room {
    /// Makes an environment for this Systole daemon.
    pub(crate) fn new(ours: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("systole-sweep").tempdir()?;
        let mut keeper = Command::new("unshare")
            .args(["--net", "--pid", "--uts", "--mount", "--ipc", "--fork"])
            .args(["--kill-child=SIGKILL", "--mount-proc", "sh", "-euc", SCRIPT, "room"])
            .args([folder.path(), ours])
            // Nothing in the environment may restart the machine.
            .env("SYSTOLE_LAB", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(order), Some(answer)) = (keeper.stdin.take(), keeper.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut room = Self { keeper, order, answer: BufReader::new(answer), folder };
        room.expect("ready")?;
        Ok(room)
    }

    /// Runs both daemons on a case.
    pub(crate) fn ask(&mut self, case: &Case) -> io::Result<Answers> {
        let files = [
            ("ha.cf", &case.ha_cf),
            ("authkeys", &case.authkeys),
            ("haresources", &case.haresources),
        ];
        for (name, bytes) in files {
            fs::write(self.folder.path().join(name), bytes)?;
        }
        writeln!(self.order, "ask")?;
        self.expect("done")?;
        Ok(Answers {
            c: self.said("c")?,
            ours: self.said("ours")?,
            groups: [self.read("web1")?, self.read("web2")?],
        })
    }

    fn said(&self, who: &str) -> io::Result<Said> {
        Ok(Said {
            code: self.read(&format!("{who}.code"))?.trim().parse().map_err(io::Error::other)?,
            configuration: self.read(&format!("{who}.out"))?,
            complaints: self.read(&format!("{who}.err"))?,
        })
    }

    fn read(&self, name: &str) -> io::Result<String> {
        let bytes = fs::read(self.folder.path().join(name))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn expect(&mut self, word: &str) -> io::Result<()> {
        let mut line = String::new();
        self.answer.read_line(&mut line)?;
        if line.trim() == word {
            return Ok(());
        }
        Err(io::Error::other(format!("the room said `{line}` instead of `{word}`")))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
