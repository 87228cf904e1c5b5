//! Each rule that the protocol cannot do without is taken away in turn, and the oracles find what then goes
//! wrong. An oracle that finds nothing in a broken protocol would prove nothing about a whole one.

use std::ops::Range;
use std::time::Duration;

use ringchat_core::{Rule, Text};
use ringchat_sim::oracles::{FaultModel, Shape, Violation};
use ringchat_sim::scenario::{Failure, play_without};
use ringchat_sim::{Death, Heal, HostId, Property, Quality, World};
use ringchat_tests::ablation::Ablation;
use ringchat_tests::chaos::{Mix, Recipe, RunOutcome};
use ringchat_tests::model::{Budget, Limits, SearchOutcome, State, search};

/// Runs among which each violation is to be found; most are among the first hundred.
const SEEDS: Range<u64> = 1..2000;

fn run_without(rules: &'static [Rule], seed: u64, mix: Mix) -> RunOutcome {
    Recipe { ablation: Ablation::of(rules), ..Recipe::new(seed, mix) }.run()
}

/// Asserts that without `rules` some random run breaks `property`, and that it holds with them.
fn breaks(rules: &'static [Rule], mix: Mix, property: Property) {
    breaks_within(SEEDS, rules, mix, property);
}

/// Asserts that one of the runs with these `seeds` breaks `property` without the `rules`, and holds with them.
fn breaks_within(mut seeds: Range<u64>, rules: &'static [Rule], mix: Mix, property: Property) {
    let result = |rules, seed| run_without(rules, seed, mix).result;
    let broken = |seed| result(rules, seed).is_err_and(|violation| violation.property == property);
    let found = seeds.find(|&seed| broken(seed) && result(&[], seed).is_ok());
    assert!(found.is_some(), "no run without {rules:?} breaks {property}");
}

/// Asserts that some run breaks `property` without both `rules`, and that either of them is enough for it.
fn both_break(seeds: Range<u64>, rules: &'static [Rule], mix: Mix, property: Property) {
    let result = |rules, seed| run_without(rules, seed, mix).result;
    let broken = |seed| result(rules, seed).is_err_and(|violation| violation.property == property);
    let either = |seed| rules.iter().all(|rule| result(std::slice::from_ref(rule), seed).is_ok());
    let found = seeds.into_iter().find(|&seed| broken(seed) && either(seed));
    assert!(found.is_some(), "no run without {rules:?} breaks {property} that holds with either");
}

/// Asserts that the model checker finds `property` broken, with `detail` in what it tells, in a ring of `nodes` that
/// lack `rules`. A row of the checker's matrix shows that it holds with them.
fn model_breaks(rules: &'static [Rule], nodes: usize, budget: Budget, property: Property, detail: &str) {
    let found = searched(rules, nodes, budget).found;
    let is_expected = |it: &Violation| it.property == property && it.detail.contains(detail);
    assert!(
        found.as_ref().is_some_and(|found| is_expected(&found.violation)),
        "without {rules:?} the checker finds {found:?}, and not {property}"
    );
}

/// Asserts that a ring of `nodes` that lack `rules` does all that it should.
fn model_holds(rules: &'static [Rule], nodes: usize, budget: Budget) {
    let outcome = searched(rules, nodes, budget);
    assert!(outcome.finished, "without {rules:?} the checker finds {:?}", outcome.found);
}

fn searched(rules: &'static [Rule], nodes: usize, budget: Budget) -> SearchOutcome {
    let start =
        State::ablated(Ablation::of(rules), nodes, budget).unwrap_or_else(|what| unreachable!("{what}"));
    search(start, Limits { states: 100_000, jobs: 1 }, |_, _, _| {})
}

/// A ring of five whose messages take up to 50 ms, and what happens to it.
struct Story {
    world: World,
    hosts: Vec<HostId>,
}

type Plot = fn(&mut Story, Duration) -> Result<(), Violation>;

impl Story {
    /// Lets `plot` happen, with some time in it that varies, and then all agree.
    fn tell(rules: &'static [Rule], seed: u64, time: Duration, plot: Plot) -> (Result<(), Violation>, World) {
        let quality = Quality { most: Duration::from_millis(50), ..Quality::GOOD };
        let mut world = World::new(seed, quality, FaultModel::CrashOnly, false);
        world.ablate(rules);
        let mut story = Self { world, hosts: Vec::new() };
        let result = story.gather().and_then(|()| plot(&mut story, time)).and_then(|()| story.agree());
        (result, story.world)
    }

    fn gather(&mut self) -> Result<(), Violation> {
        self.hosts.push(self.world.create(1));
        for place in 2..=5 {
            let host = self.world.join(place, &[place - 1]);
            self.hosts.push(host);
            let ready = |world: &World| world.transcripts().of(host).ready.is_some();
            self.world.run_until(LIMIT, PACE, ready)?;
        }
        self.world.run_for(Duration::from_secs(1))
    }

    fn agree(&mut self) -> Result<(), Violation> {
        let one_ring = |world: &World| world.rings(Shape::OneRing).is_ok();
        self.world.run_until(LIMIT, PACE, one_ring)?;
        self.world.rings(Shape::OneRing).map(|_| ())
    }

    fn all_say(&mut self, text: &str) -> Result<(), Violation> {
        let text = Text::new(text).unwrap_or_else(|error| unreachable!("{error}"));
        self.hosts.iter().try_for_each(|&host| self.world.say(host, &text))
    }

    /// The first is the leader.
    fn kill_leader(&mut self) {
        self.world.kill(self.hosts[0], Death::Killed);
    }
}

/// How long a ring may take to gather, or to agree.
const LIMIT: Duration = Duration::from_secs(40);
const PACE: Duration = Duration::from_millis(50);

/// Asserts that without `rules` some telling of `plot` breaks `property`, and that it holds with them.
fn story_breaks(rules: &'static [Rule], plot: Plot, property: Property) {
    let broken = |&(seed, time): &(u64, Duration)| {
        let result = Story::tell(rules, seed, time, plot).0;
        result.is_err_and(|violation| violation.property == property)
            && Story::tell(&[], seed, time, plot).0.is_ok()
    };
    assert!(tellings().any(|telling| broken(&telling)), "no story without {rules:?} breaks {property}");
}

/// Seeds and times that stories are told with.
fn tellings() -> impl Iterator<Item = (u64, Duration)> {
    let times = |seed| (1..60).step_by(6).map(move |n| (seed, Duration::from_millis(n)));
    (1..80).flat_map(times)
}

/// The leader's last words come when the others are about to elect another.
fn late_last_words(story: &mut Story, time: Duration) -> Result<(), Violation> {
    story.world.partition(&[1]);
    story.all_say("before")?;
    story.kill_leader();
    story.all_say("after")?;
    story.world.run_for(Duration::from_millis(900) + time * 20)?;
    story.world.heal(Heal::Deliver);
    Ok(())
}

/// The leader dies when a member has just asked for its removal.
fn leaver_and_crash(story: &mut Story, time: Duration) -> Result<(), Violation> {
    story.world.leave(story.hosts[2])?;
    story.world.run_for(time)?;
    story.kill_leader();
    story.all_say("after")
}

/// The member of the highest id dies while its token is on the way.
fn dead_candidate(story: &mut Story, time: Duration) -> Result<(), Violation> {
    story.kill_leader();
    story.world.run_for(time * 4)?;
    story.world.kill(story.hosts[4], Death::Killed);
    Ok(())
}

/// A member goes on typing when it has begun to leave.
fn typing_while_leaving(story: &mut Story, time: Duration) -> Result<(), Violation> {
    story.world.leave(story.hosts[2])?;
    story.world.run_for(time)?;
    story.all_say("late")
}

#[test]
fn nothing_is_found_while_all_rules_are_kept() {
    for mix in [Mix::Crash, Mix::Freeze, Mix::Cut] {
        for seed in 1..60 {
            assert_eq!(Recipe::new(seed, mix).run().result, Ok(()), "seed {seed} of {mix:?}");
        }
    }
}

#[test]
fn every_rule_is_taken_away_by_some_test() {
    let tests = [
        include_str!("ablations.rs"),
        include_str!("../../core/tests/stories.rs"),
        include_str!("../../core/tests/unsynced.rs"),
        include_str!("../../core/tests/authors.rs"),
        include_str!("../../core/tests/liars.rs"),
        include_str!("../../core/tests/inventions.rs"),
        include_str!("../../core/tests/joining.rs"),
        include_str!("../../core/tests/insiders.rs"),
        include_str!("../../core/tests/lying_leaders.rs"),
        include_str!("../../core/tests/memory.rs"),
    ]
    .concat();
    let missed: Vec<_> =
        Rule::ALL.iter().filter(|rule| !tests.contains(&format!("Rule::{rule:?}"))).collect();
    assert!(missed.is_empty(), "no test takes away {missed:?}");
}

#[test]
fn a_sender_is_not_heard_if_nothing_is_submitted_again() {
    breaks(&[Rule::Resubmit], Mix::Crash, Property::Convergence);
}

#[test]
fn messages_stand_twice_if_any_number_is_sequenced() {
    breaks(&[Rule::OnlyNewNumbers], Mix::Freeze, Property::NoDoubles);
}

#[test]
fn messages_are_shown_twice_if_an_installed_log_is_shown_as_it_is() {
    breaks(&[Rule::ShowOnce], Mix::Freeze, Property::NoDoubles);
}

#[test]
fn messages_are_lost_if_tails_are_not_sequenced_again() {
    breaks(&[Rule::SequenceTails], Mix::Freeze, Property::NothingLost);
}

#[test]
fn third_parties_are_dialed_all_the_time_if_dials_to_strangers_are_many() {
    breaks(&[Rule::FewStrangers], Mix::Liars, Property::FewDials);
}

#[test]
fn words_are_put_into_the_mouths_of_others_if_nobody_verifies() {
    breaks(&[Rule::SignedWords], Mix::Insider, Property::NoForgedWords);
    let invents = Budget { inventions: 1, crashes: 1, messages: 1, ..Budget::NONE };
    model_breaks(&[Rule::SignedWords], 3, invents, Property::NoForgedWords, "which nobody said");
}

#[test]
fn a_liar_silences_a_room_if_it_can_take_clocks_to_their_end() {
    breaks(&[Rule::BoundedClock], Mix::Insider, Property::Convergence);
}

#[test]
fn tokens_go_round_for_ever_if_a_liar_can_take_epochs_to_their_end() {
    breaks(&[Rule::BoundedEpochs], Mix::Insider, Property::TokensImprove);
}

#[test]
fn the_honest_accuse_each_other_if_what_comes_early_is_a_fault() {
    breaks(&[Rule::EarlyIsNoFault], Mix::Freeze, Property::NobodyHonestIsAccused);
}

#[test]
fn a_liar_stops_a_room_for_good_if_an_election_has_no_end() {
    breaks(&[Rule::ElectionTimeout], Mix::Liars, Property::OneRoomAfterLies);
}

#[test]
fn the_order_is_lost_if_the_longest_log_does_not_lead() {
    breaks(&[Rule::LongestLogFirst], Mix::Crash, Property::OneOrder);
}

#[test]
fn an_election_hangs_if_it_has_no_end() {
    breaks(&[Rule::ElectionTimeout], Mix::Cut, Property::Convergence);
}

#[test]
fn the_ring_stays_open_if_the_skipped_are_not_tried_again() {
    breaks(&[Rule::RetrySkipped], Mix::Cut, Property::Convergence);
}

#[test]
fn the_configuration_goes_back_if_a_roster_that_was_only_heard_of_counts() {
    // Mostly honest members accuse each other sooner.
    breaks_within(2900..6000, &[Rule::MembersFromLogOnly], Mix::Cut, Property::MonotonicState);
}

#[test]
fn who_was_late_accuses_the_living_if_its_clock_is_not_patient() {
    let accusations =
        |rules| accusations_by_one_that_stalled(rules).unwrap_or_else(|what| unreachable!("{what}"));
    assert_eq!(accusations(&[]), 0);
    assert!(accusations(&[Rule::PatientClock]) > 0);
}

/// How often a member of a ring of five accuses others after it has stood still for longer than `detect`.
fn accusations_by_one_that_stalled(rules: &'static [Rule]) -> Result<usize, Violation> {
    let mut world = World::new(1, Quality::GOOD, FaultModel::Any, true);
    world.ablate(rules);
    let mut story = Story { world, hosts: Vec::new() };
    story.gather()?;
    story.world.freeze(story.hosts[2]);
    story.world.run_for(Duration::from_millis(1300))?;
    story.world.thaw(story.hosts[2])?;
    story.world.run_for(Duration::from_secs(1))?;
    Ok(story.world.trace().lines().filter(|line| line.contains("3 -> 1: Suspect")).count())
}

#[test]
fn a_leader_that_slept_tells_its_own_order_if_it_does_not_doubt() {
    breaks(&[Rule::DoubtAfterSleep], Mix::Sleep, Property::OneOrder);
}

/// The model checker finds it too, with a leader of the same epoch as another; that takes it a minute:
/// `check --nodes 3 --sleeps 1 --messages 1 --without DoubtAfterSleep`.
#[test]
fn the_stories_of_sleepers_go_wrong_if_those_do_not_doubt() {
    for story in [
        include_str!("../scenarios/a_leader_that_slept_keeps_to_the_order_of_the_others.txt"),
        include_str!("../scenarios/a_candidate_that_slept_does_not_win_with_an_old_token.txt"),
    ] {
        let (result, _) = play_without(&[Rule::DoubtAfterSleep], story);
        assert!(matches!(result, Err(Failure::Violation(_))), "{result:?}");
    }
}

#[test]
fn nobody_comes_back_as_if_new() {
    breaks(&[Rule::RejoinWithPromise], Mix::All, Property::Convergence);
}

#[test]
fn nobody_comes_back_to_an_older_epoch() {
    breaks(&[Rule::EpochAboveReturners], Mix::Freeze, Property::Convergence);
}

#[test]
fn rings_stay_apart_if_nobody_looks_for_the_lost() {
    breaks(&[Rule::ProbeLost], Mix::Cut, Property::Convergence);
}

#[test]
fn a_leaver_takes_messages_along_if_it_does_not_wait() {
    breaks(&[Rule::DrainBeforeLeave], Mix::Crash, Property::NothingLost);
}

#[test]
fn the_order_is_lost_if_entries_are_taken_during_an_election() {
    story_breaks(&[Rule::Freeze], late_last_words, Property::OneOrder);
}

#[test]
fn a_leaver_is_left_behind_if_it_takes_part_in_an_election() {
    story_breaks(&[Rule::LeaverEndsOnElection], leaver_and_crash, Property::NoFalseAlarm);
}

#[test]
fn what_is_said_while_leaving_is_lost_if_it_is_taken() {
    story_breaks(&[Rule::CloseInputWhenLeaving], typing_while_leaving, Property::NothingLost);
}

#[test]
fn an_election_hangs_on_a_dead_candidate_if_neither_its_death_nor_time_ends_it() {
    story_breaks(
        &[Rule::DeadCandidateStartsAnew, Rule::ElectionTimeout],
        dead_candidate,
        Property::Convergence,
    );
}

#[test]
fn a_dead_candidates_token_circles_if_repeats_are_not_swallowed() {
    const MISSING: &[Rule] = &[Rule::DeadCandidateStartsAnew, Rule::ElectionTimeout, Rule::SwallowRepeats];
    story_breaks(MISSING, dead_candidate, Property::TokensImprove);
}

const JOIN_AND_CRASH: Budget = Budget { joins: 1, crashes: 1, ..Budget::NONE };

#[test]
fn a_newcomer_is_left_behind_if_it_is_welcomed_before_all_insiders_know_it() {
    model_breaks(&[Rule::WelcomeAfterAcks], 2, JOIN_AND_CRASH, Property::NoFalseAlarm, "left behind");
}

#[test]
fn a_newcomer_is_left_behind_if_greetings_do_not_tell_of_newer_members() {
    model_breaks(&[Rule::CfgInHellos], 2, JOIN_AND_CRASH, Property::NoFalseAlarm, "left behind");
}

#[test]
fn a_member_is_left_behind_if_neither_heartbeats_nor_greetings_tell_of_newer_members() {
    both_break(2000..3000, &[Rule::CfgInBeats, Rule::CfgInHellos], Mix::Crash, Property::NoFalseAlarm);
}

/// A leader that dials whoever does not follow, and so finds the bad path itself, is the second line. The hash, by which
/// another member wins the next election, is the third.
#[test]
fn one_bad_path_costs_election_after_election_if_an_unreachable_leader_is_not_given_up() {
    const GIVEN_UP: &[Rule] = &[Rule::HashedTies, Rule::RemindUnsynced];
    const NEVER: &[Rule] = &[Rule::HashedTies, Rule::RemindUnsynced, Rule::GiveUpUnlinkable];
    let elections = |rules| elections_over_a_bad_path(rules).unwrap_or_else(|what| unreachable!("{what}"));
    let (whole, given_up, never) = (elections(&[]), elections(GIVEN_UP), elections(NEVER));
    assert!(whole <= given_up && given_up < 8 && never > 20, "{whole}, {given_up} and {never} elections");
}

/// How many elections a minute costs in a ring of five after its leader has died, when one of the others cannot
/// reach the winner.
fn elections_over_a_bad_path(rules: &'static [Rule]) -> Result<usize, Violation> {
    let mut world = World::new(1, Quality::GOOD, FaultModel::Any, false);
    world.ablate(rules);
    let mut story = Story { world, hosts: Vec::new() };
    story.gather()?;
    story.world.cut(3, 5);
    story.world.run_for(Duration::from_secs(1))?;
    story.kill_leader();
    story.world.run_for(Duration::from_mins(1))?;
    Ok(story.world.counts().elects.len())
}

#[test]
fn the_route_is_behind_the_members_if_a_refusal_changes_them() {
    let budget = Budget { joins: 1, false_alarms: 1, ..Budget::NONE };
    model_breaks(&[Rule::RefusalsOnlyRoute], 2, budget, Property::NodeInvariants, "the route is older");
}

#[test]
fn the_dead_stay_members_if_a_winner_takes_them_in_and_nobody_looks_for_them() {
    const NOBODY_LOOKS: &[Rule] = &[Rule::RetrySkipped, Rule::RemindUnsynced, Rule::UnsyncedTimeout];
    const AND_TAKEN_IN: &[Rule] =
        &[Rule::PathWithoutDead, Rule::RetrySkipped, Rule::RemindUnsynced, Rule::UnsyncedTimeout];
    let budget = Budget { crashes: 2, ..Budget::NONE };
    model_breaks(AND_TAKEN_IN, 4, budget, Property::Convergence, "a roster that is not who lives");
    model_holds(NOBODY_LOOKS, 4, budget);
}

#[test]
fn a_member_that_does_not_follow_stays_if_it_is_neither_reminded_nor_given_up() {
    both_break(SEEDS, &[Rule::RemindUnsynced, Rule::UnsyncedTimeout], Mix::Crash, Property::Convergence);
}
