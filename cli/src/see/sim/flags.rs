//! The command line of `ringchat sim`.

use argh::{ArgsInfo, FromArgs};

/// Play a room of simulated members in virtual time: the same nodes as in a real one, with faults when you want them. The
/// same command gives the same run.
#[derive(ArgsInfo, FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(
    help_triggers("--help", "-h"),
    example = "Kill a leader:  {command_name} --nodes 6 --kill leader@2s",
    example = "See it:         {command_name} --nodes 6 --kill leader@2s --html run.html",
    example = "Split a room:   {command_name} --nodes 4 --partition 'ada,bob|cyd,dan@1s..6s'",
    example = "Keep a script:  {command_name} --nodes 6 --kill leader@2s --print-script > kill.txt",
    example = "Grade it:       {command_name} --script kill.txt",
    note = "T is a time like 2s or 800ms, from when the first ring has gathered. WHO is a member: ada, bob, cyd and so on, \
            or 1, 2, 3; or leader, next, prev, opposite, others, all, as the room is at that time. Several have commas \
            between them.\n\n\
            Each of these options can be given again. A script may hold more than they say: expect \
            election-messages 9, expect lost 0, and the rest of the language in docs/pictures.md.",
    error_code(1, "a promise or an expectation does not hold, or a file cannot be written"),
    error_code(2, "usage, or a script that is none")
)]
pub(crate) struct SimFlags {
    /// how many members begin (5)
    #[argh(option, arg_name = "count")]
    pub(super) nodes: Option<String>,

    /// the members that begin, in ring order: 6,2,4,1,3,5 or fay,bob,dan,...
    #[argh(option, arg_name = "places")]
    pub(super) ring: Option<String>,

    /// what decides everything that chance decides (1)
    #[argh(option, arg_name = "number")]
    pub(super) seed: Option<String>,

    /// the longest way of a message (2ms)
    #[argh(option, arg_name = "time")]
    pub(super) delay: Option<String>,

    /// silence after which a member is suspected (1000 ms)
    #[argh(option, arg_name = "ms")]
    pub(super) detect_ms: Option<String>,

    /// how long to play at most, and that long if something stays cut (30s)
    #[argh(option, long = "for", arg_name = "time")]
    pub(super) longest: Option<String>,

    /// kill a process: WHO@T
    #[argh(option, arg_name = "deed")]
    pub(super) kill: Vec<String>,

    /// cut a machine's power: WHO@T
    #[argh(option, arg_name = "deed")]
    pub(super) power_off: Vec<String>,

    /// start a process anew at its address: WHO@T
    #[argh(option, arg_name = "deed")]
    pub(super) restart: Vec<String>,

    /// stop a process, for ever or until the second time: WHO@T or WHO@T..T
    #[argh(option, arg_name = "deed")]
    pub(super) freeze: Vec<String>,

    /// let nothing through one way: WHO>WHO@T or WHO>WHO@T..T
    #[argh(option, arg_name = "deed")]
    pub(super) cut: Vec<String>,

    /// let nothing through between sides: WHO,WHO|WHO@T or WHO,WHO|WHO@T..T; whoever is left out is on the last side
    #[argh(option, arg_name = "deed")]
    pub(super) partition: Vec<String>,

    /// let a new member join, where nobody is: PLACE@T or PLACE@T:CONTACT
    #[argh(option, arg_name = "deed")]
    pub(super) join: Vec<String>,

    /// let a member leave: WHO@T
    #[argh(option, arg_name = "deed")]
    pub(super) leave: Vec<String>,

    /// let a member say something: WHO@T:TEXT
    #[argh(option, arg_name = "deed")]
    pub(super) say: Vec<String>,

    /// let a member say many things at once: WHO@T:COUNT
    #[argh(option, arg_name = "deed")]
    pub(super) flood: Vec<String>,

    /// play what this file says, or standard input if it is -
    #[argh(option, arg_name = "file")]
    pub(super) script: Option<String>,

    /// print the script, and do not play it
    #[argh(switch)]
    pub(super) print_script: bool,

    /// report in JSON
    #[argh(switch)]
    pub(super) json: bool,

    /// write the trace of each member to this folder
    #[argh(option, arg_name = "folder")]
    pub(super) trace: Option<String>,

    /// write a page that plays the run in a browser
    #[argh(option, arg_name = "file")]
    pub(super) html: Option<String>,

    /// write a diagram of the run
    #[argh(option, arg_name = "file")]
    pub(super) svg: Option<String>,
}

impl SimFlags {
    /// The first option that says what only a script says if there is one.
    pub(super) fn beside_script(&self) -> Option<&'static str> {
        let once = [
            ("--nodes", &self.nodes),
            ("--ring", &self.ring),
            ("--seed", &self.seed),
            ("--delay", &self.delay),
            ("--detect-ms", &self.detect_ms),
            ("--for", &self.longest),
        ];
        let deeds = [
            ("--kill", &self.kill),
            ("--power-off", &self.power_off),
            ("--restart", &self.restart),
            ("--freeze", &self.freeze),
            ("--cut", &self.cut),
            ("--partition", &self.partition),
            ("--join", &self.join),
            ("--leave", &self.leave),
            ("--say", &self.say),
            ("--flood", &self.flood),
        ];
        let once = once.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name);
        let deeds = deeds.iter().filter(|(_, values)| !values.is_empty()).map(|(name, _)| *name);
        once.chain(deeds).next()
    }
}
