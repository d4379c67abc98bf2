//! The commands, and the states in which they are run.

/// A state of the pair, as web1 sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No daemon was ever started.
    Absent,
    /// Both nodes run their own groups.
    Up,
    /// web1 runs everything, web2 is up.
    Holding,
    /// web1 runs everything, web2 is dead.
    Alone,
    /// The daemon was stopped.
    Stopped,
    /// Both nodes manage no resources (`heartbeat -M`).
    Unmanaged,
    /// The daemon of web1 stands still.
    Hanging,
}

impl State {
    /// All states, in the order in which the pair goes through them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Absent,
        Self::Up,
        Self::Holding,
        Self::Alone,
        Self::Stopped,
        Self::Unmanaged,
        Self::Hanging,
    ];
}

/// Errors of the command line, and commands that ask no daemon.
const ANYWHERE: &[&str] = &[
    "cl_status",
    "cl_status -h",
    "cl_status -m",
    "cl_status --help",
    "cl_status bogus",
    "ResourceManager",
    "ResourceManager bogus",
    "ResourceManager usage",
    "ResourceManager listkeys",
    "ResourceManager listkeys web1",
    "ResourceManager listkeys WEB2",
    "ResourceManager listkeys web",
    "ResourceManager listkeys nosuch",
    "ResourceManager listkeys '.*'",
    "ResourceManager allkeys",
    "ResourceManager ourkeys",
    "ResourceManager otherkeys",
    "HA_CURHOST=web1 ResourceManager ourkeys",
    "HA_CURHOST=web1 ResourceManager otherkeys",
    "HA_CURHOST=nosuch ResourceManager ourkeys",
    "ResourceManager status ''",
    "ResourceManager status nosuchagent::x",
    "ResourceManager statgroup",
    "ResourceManager statgroup agent::C",
    "ResourceManager takegroup",
    "ResourceManager takegroup nosuch",
    "ResourceManager givegroup",
    "ResourceManager givegroup nosuch",
    "req_resource",
    "mach_down",
    "mach_down nosuch",
    "HA_CURHOST=web1 mach_down nosuch",
    "HA_CURHOST=web1 mach_down web1",
    "HA_info=ping HA_CURHOST=web1 mach_down web2",
    "hb_addnode",
    "hb_addnode --help",
    "hb_delnode",
    "hb_delnode --help",
    "hb_setweight",
    "hb_setweight --help",
    "hb_setsite",
    "hb_setsite --help",
    "hb_standby bogus",
    "hb_standby --help",
    "hb_standby -h",
    "hb_standby ''",
    "hb_takeover bogus",
    "hb_takeover --help",
    "script -qc '. /etc/ha.d/shellfuncs; ha_log info: x; HA_LOGFILE=/run/no; ha_log info: y' /dev/null",
    "script -qc 'HA_CURHOST=web1 mach_down nosuch' /dev/null",
];

/// What resource scripts use of `/etc/ha.d/shellfuncs`, which each of these lines reads first.
const FUNCTIONS: &[&str] = &[
    "echo $HA_DIR $HA_BIN $HA_SBIN_DIR $HA_NOARCHBIN $HA_FIFO $HA_RCDIR $HA_RESOURCEDIR $HA_DOCDIR",
    "echo $OCF_ROOT $OCF_AGENTS $LC_ALL $HA_CF $HA_CONFDIR $HA_VARLIB $HA_VARRUN $HA_VARLOCK $INITDIR",
    "echo $HA_RSCTMP $HA_RSCTMP_OLD $HA_DEBUGLOG $OCF_SUCCESS $OCF_NOT_RUNNING $OCF_ERR_INSTALLED",
    "command -v ResourceManager ip ls",
    "ha_log 'info: a  disk is mounted'",
    "ha_log ERROR: no disk",
    "ha_debug debug: nothing",
    "ocf_log err no disk",
    "ocf_log warn no disk",
    "ocf_log info a disk",
    "HA_LOGFILE=/run/log; HA_DEBUGLOG=/run/debug; ha_log 'ERROR: x'; sed -E 's/[0-9]{2,}/N/g' $HA_LOGFILE $HA_DEBUGLOG",
    "HA_debug=1; HA_DEBUGLOG=/run/more; ha_debug debug: x; sed -E 's/[0-9]{2,}/N/g' $HA_DEBUGLOG",
    "hadate | wc -c",
    "HA_FIFO=/run/message; mkfifo $HA_FIFO; printf 't=x\\na=b c\\n' | ha_clustermsg & cat /run/message; wait",
    "ha_pseudo_resource",
    "ha_pseudo_resource one",
    "ha_pseudo_resource one status",
    "ha_pseudo_resource one monitor",
    "ha_pseudo_resource one print",
    "ha_pseudo_resource one start && ls $HA_RSCTMP",
    "ha_pseudo_resource one start",
    "ha_pseudo_resource one status",
    "ha_pseudo_resource one monitor",
    "ha_pseudo_resource one bogus",
    "ha_pseudo_resource one stop && ls $HA_RSCTMP",
    "ha_pseudo_resource one stop",
    "ha_pseudo_resource one start /run/two; ls /run/two; ha_pseudo_resource one status",
    "ha_pseudo_resource one status /run/two",
    "ha_parameter deadtime",
    "for word in yes no 1 0 true on ''; do ocf_is_true $word; echo $?; done",
    "have_binary ls",
    "have_binary nosuchprogram",
    "check_binary nosuchprogram; echo still here",
];

/// Commands about the state of the pair.
const STATE: &[&str] = &[
    "/usr/libexec/heartbeat/heartbeat -s",
    "cl_status hbstatus",
    "cl_status hbstatus -m",
    "cl_status hbstatus -v",
    "cl_status listnodes -v",
    "cl_status nodestatus web1",
    "cl_status nodestatus web2",
    "cl_status nodestatus -m web2",
    "cl_status hblinkstatus web2 eth0",
    "cl_status hblinkstatus -m web2 eth0",
    "cl_status rscstatus",
    "cl_status rscstatus -m",
    "cl_status test",
    "ResourceManager status agent::A",
    "ResourceManager status agent::B",
    "ResourceManager status IPaddr2::192.168.122.100/24/eth0",
    "ResourceManager status 192.168.122.101/24/eth0",
    "ResourceManager verifyallidle",
];

/// Everything else about a daemon that runs.
const DETAILS: &[&str] = &[
    "cl_status hbstatus -m -v",
    "cl_status hbstatus -x",
    "cl_status hbstatus extra",
    "cl_status listnodes",
    "cl_status listnodes -m",
    "cl_status listnodes -p",
    "cl_status listnodes -n",
    "cl_status listnodes -np",
    "cl_status listnodes -v -p",
    "cl_status listnodes -m -v -n",
    "cl_status listnodes -x",
    "cl_status listnodes extra",
    "cl_status nodestatus",
    "cl_status nodestatus WEB2",
    "cl_status nodestatus 192.168.122.1",
    "cl_status nodestatus nosuch",
    "cl_status nodestatus web2 -m extra",
    "cl_status nodestatus -x web2",
    "cl_status nodetype",
    "cl_status nodetype web2",
    "cl_status nodetype -m 192.168.122.1",
    "cl_status nodetype nosuch",
    "cl_status nodetype -x",
    "cl_status nodeweight",
    "cl_status nodeweight web2",
    "cl_status nodeweight -m web2",
    "cl_status nodeweight nosuch",
    "cl_status nodesite",
    "cl_status nodesite web2",
    "cl_status nodesite -m web2",
    "cl_status nodesite nosuch",
    "cl_status listhblinks",
    "cl_status listhblinks web1",
    "cl_status listhblinks web2",
    "cl_status listhblinks -v web2",
    "cl_status listhblinks -m -v web1",
    "cl_status listhblinks 192.168.122.1",
    "cl_status listhblinks nosuch",
    "cl_status listhblinks -x web2",
    "cl_status hblinkstatus",
    "cl_status hblinkstatus web2",
    "cl_status hblinkstatus web1 eth0",
    "cl_status hblinkstatus web2 nosuch",
    "cl_status hblinkstatus nosuch eth0",
    "cl_status hblinkstatus 192.168.122.1 192.168.122.1",
    "cl_status hblinkstatus -x",
    "cl_status clientstatus",
    "cl_status clientstatus web1",
    "cl_status clientstatus web1 ipfail 3000",
    "cl_status clientstatus web1 nosuch 3000",
    "cl_status clientstatus web2 ipfail 3000",
    "cl_status clientstatus web2 nosuch 3000",
    "cl_status clientstatus nosuch ipfail 300",
    "cl_status clientstatus -x",
    "cl_status rscstatus extra",
    "cl_status rscstatus -x",
    "cl_status hbparameter",
    "cl_status hbparameter keepalive",
    "cl_status hbparameter -p",
    "cl_status hbparameter -x",
    "cl_status hbparameter -p keepalive",
    "cl_status hbparameter -mp deadtime",
    "cl_status hbparameter -p deadping",
    "cl_status hbparameter -p auto_failback",
    "cl_status hbparameter -p logfile",
    "cl_status hbparameter -p realtime",
    "cl_status hbparameter -p debug",
    "cl_status hbparameter -p node",
    "cl_status hbparameter -p nosuch",
    "cl_status hbparameter -m -p nosuch",
    "cl_status test -x",
    "setpriv --reuid=nobody --regid=haclient --clear-groups cl_status listnodes -v",
    "setpriv --reuid=nobody --regid=haclient --clear-groups cl_status hbparameter -p keepalive",
    "su nobody -s /bin/sh -c 'cl_status hbstatus'",
    "su nobody -s /bin/sh -c 'cl_status rscstatus'",
    "ResourceManager takegroup agent::C",
    "req_resource agent::C",
    "hb_setweight web2 100",
    "hb_setsite web2 ''",
    "hb_delnode nosuch",
];

/// An order that is carried out.
const HOLDING: &[&str] = &["hb_standby foreign"];

/// Orders to a daemon that does not run.
const STOPPED: &[&str] =
    &["timeout 2 hb_standby", "timeout 2 hb_takeover", "ResourceManager takegroup agent::C"];

/// A takeover that is over. After `hb_standby` a C node would wait for ten seconds for the dead one.
const ALONE: &[&str] = &[
    "hb_takeover",
    "HA_CURHOST=web1 mach_down web2",
    "ResourceManager takegroup IPaddr2::192.168.122.101/24/eth0",
    "req_resource IPaddr2::192.168.122.101/24/eth0",
];

/// Commands without a daemon; those of heartbeat that write to its FIFO would wait without end.
const WITHOUT_DAEMON: &[&str] = &["cl_status listnodes -x", "cl_status nodestatus"];

/// Commands that need resources.
const UNMANAGED: &[&str] = &["cl_status rscstatus", "cl_status rscstatus -m"];

/// A command that gives up.
const HANGING: &[&str] = &["cl_status listnodes"];

/// Returns the commands that are run in a state, in their order.
pub(crate) fn commands(state: State) -> Vec<String> {
    let lists: &[&[&str]] = match state {
        State::Absent => &[ANYWHERE, STATE, WITHOUT_DAEMON],
        State::Up => &[STATE, DETAILS],
        State::Holding => &[STATE, HOLDING],
        State::Stopped => &[STATE, STOPPED],
        State::Alone => &[STATE, ALONE],
        State::Unmanaged => &[UNMANAGED],
        State::Hanging => &[HANGING],
    };
    let commands = lists.iter().flat_map(|list| list.iter()).map(|&command| command.to_owned());
    let functions = FUNCTIONS.iter().filter(|_| state == State::Absent);
    let functions = functions.map(|call| format!(". /etc/ha.d/shellfuncs; {call}"));
    commands.chain(functions).collect()
}
