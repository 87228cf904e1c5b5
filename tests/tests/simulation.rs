//! Random runs, held to the oracles; and the simulator held to its own promise, determinism.

use ringchat_tests::chaos::{Mix, Recipe};

fn all_hold(mix: Mix, seeds: std::ops::Range<u64>) {
    all_of(Recipe::new(0, mix), seeds);
}

fn all_of(recipe: Recipe, seeds: std::ops::Range<u64>) {
    let (count, mut empty) = (seeds.end - seeds.start, 0);
    for seed in seeds {
        let recipe = Recipe { seed, ..recipe };
        let outcome = recipe.run();
        let result = outcome.result.map_err(|violation| violation.to_string());
        assert_eq!(result, Ok(()), "look at it with {recipe}");
        empty += u64::from(outcome.checked == 0);
    }
    // Of a ring that crashed as a whole, or in which only a liar spoke, nothing can be checked.
    assert!(empty * 10 < count, "{empty} of {count} runs check nothing");
}

#[test]
fn somebody_on_the_wire_without_the_secret_does_no_more_than_break_links() {
    for mix in [Mix::Cut, Mix::Insider, Mix::All] {
        all_of(Recipe { secure: true, ..Recipe::new(0, mix) }, 1..6);
    }
}

#[test]
fn without_faults_all_hear_all_in_one_order() {
    all_hold(Mix::Calm, 1..50);
}

#[test]
fn crashes_of_any_kind_leave_one_ring_in_one_order() {
    all_hold(Mix::Crash, 1..100);
    // A member that a new leader had left out stayed on the route, and helped to elect one that lacked that leader's log.
    all_hold(Mix::Crash, 721_049_905..721_049_906);
    // A token came back by the way of before a newer ring was heard of, and had not met those that had the newest log.
    all_hold(Mix::Crash, 723_040_505..723_040_506);
    // A token came back to a candidate that had just heard of a nearer next, and dialed it.
    all_hold(Mix::Crash, 1_000_367_164..1_000_367_165);
    // A candidate did not hear of the ring of a winner that died at once, and passed over a member that had followed.
    all_hold(Mix::Crash, 1_200_267_261..1_200_267_262);
    // A member knew the newest ring and another did not, so that a token passed over one that took part.
    all_hold(Mix::Crash, 723_044_171..723_044_172);
    // A token was lost with its link, and its sender was left out.
    all_hold(Mix::Crash, 783_162_316..783_162_317);
    // A newcomer refused a member that had not heard of it, and that member passed it over when the leader left.
    all_hold(Mix::Crash, 772_214_572..772_214_573);
    // A pause between dials to a process of before held for the one that was started at the same address.
    all_hold(Mix::Crash, 723_022_129..723_022_130);
}

#[test]
fn one_that_slept_alone_keeps_to_the_order_of_the_others() {
    all_hold(Mix::Sleep, 1..300);
    // A dial from before a leader woke failed just when the link that it backed up had broken.
    all_hold(Mix::Sleep, 732_019_727..732_019_728);
    // A dial to a leader that had slept began before its member slept, and failed as the member woke: unread lay what it had sent.
    all_hold(Mix::Sleep, 770_113_298..770_113_299);
    // A leader slept while another was elected, heard of the epoch, and won it too.
    all_hold(Mix::Sleep, 5_043_149..5_043_150);
    // A connection that the leader had given up was still on its way when it fell asleep.
    all_hold(Mix::Sleep, 1_000_470_638..1_000_470_639);
}

#[test]
fn one_whose_link_breaks_just_before_it_sleeps_keeps_to_the_order_of_the_others() {
    all_hold(Mix::Unlinked, 1..200);
    // A member dialed the leader as it fell asleep, and led when the leader woke and did not notice how long it had slept.
    all_hold(Mix::Unlinked, 7_000_641..7_000_642);
}

#[test]
fn frozen_and_slow_members_harm_nobody_for_long() {
    all_hold(Mix::Freeze, 1..50);
}

#[test]
fn cuts_of_the_network_leave_rings_that_agree_within() {
    all_hold(Mix::Cut, 1..50);
}

#[test]
fn what_stays_wrong_for_ever_stops_nobody_else() {
    all_hold(Mix::Lasting, 1..60);
    // A leader asked one that led no longer to take in its ring, and took the name of that one's leader for a fault.
    all_hold(Mix::Lasting, 721_059_458..721_059_459);
    // The log of another ring began below what was hidden from a newcomer, and the gap between the two was told by nobody.
    all_hold(Mix::Lasting, 730_056_839..730_056_840);
}

#[test]
fn nobody_shows_words_that_their_author_did_not_sign_whoever_lies() {
    all_hold(Mix::Insider, 1..100);
    // A member whose log a liar had told to begin late took half of a run.
    all_hold(Mix::Insider, 3619..3620);
    // A leader had forgotten a member, and a liar before it had put that member's old words into the log once more.
    all_hold(Mix::Insider, 771_087_318..771_087_319);
    // A liar counted a part of a run that waited, where history was missing.
    all_hold(Mix::Insider, 772_236_132..772_236_133);
    // What a liar counted of a member kept it from being heard when the liar was gone.
    all_hold(Mix::Insider, 2635..2636);
    // A new leader, of whose run a liar had counted a part, said all of it under later numbers.
    all_hold(Mix::Insider, 400_074_334..400_074_335);
    // What a liar counted of another made a member accuse the honest leader that believed it, for ever.
    all_of(Recipe { secure: true, ..Recipe::new(0, Mix::Insider) }, 205_934..205_935);
}

#[test]
fn liars_of_any_kind_harm_nobody_for_longer_than_they_are_there() {
    // In 77 a leader took back a configuration of its own view.
    all_hold(Mix::Liars, 1..120);
    // A token whose way did not begin with its candidate made a ring without its leader.
    all_hold(Mix::Liars, 499..500);
    // What somebody said after what it had said anew came under later numbers too.
    all_hold(Mix::Liars, 703_311..703_312);
    // A leader alone, which a liar had led above the highest epoch that others accept, took others in.
    all_hold(Mix::Liars, 768_218..768_219);
    // Who was alone in a ring of inventions waited for all of them.
    all_hold(Mix::Liars, 765_015..765_016);
    // A member was listed at a false address by a leader that had gone.
    all_hold(Mix::Liars, 815_048..815_049);
    // Two members had each other's half of what a liar had said twice under one number.
    all_hold(Mix::Liars, 820_029..820_030);
    // A leader counted to the last place of a log, and died.
    all_hold(Mix::Liars, 1_016_411..1_016_412);
    // A member of the ring asked to be let in, was refused, and died.
    all_hold(Mix::Liars, 1_032_612..1_032_613);
    // All members were led into new lives at once, and one of them stayed alone.
    all_hold(Mix::Liars, 1_051_342..1_051_343);
    // Two rings, or a member and a ring, were led so far that others could not follow.
    all_hold(Mix::Liars, 1_056_293..1_056_294);
    all_hold(Mix::Liars, 1_068_761..1_068_762);
    // A liar told a member of a log that was newer than its own election, and the member stood with that.
    all_hold(Mix::Liars, 1_395_180..1_395_181);
    // One that had been asked to take in another ring led no longer, and passed on what its leader said.
    all_hold(Mix::Liars, 1_264_675..1_264_676);
    // Three members stayed alone at once, after each had asked the others in vain.
    all_hold(Mix::Liars, 1_206_847..1_206_848);
    // A liar looked for a member on the link that this member had dialed.
    all_hold(Mix::Liars, 1_124_530..1_124_531);
    // The leader of many members took in a ring that had been led far.
    all_hold(Mix::Liars, 1_158_242..1_158_243);
    // A linked member with a foreign address broke its links again and again, and was dialed there each time.
    all_hold(Mix::Liars, 1_334_903..1_334_904);
    // A liar told two members of two rings, and neither looked for the other.
    all_hold(Mix::Liars, 772_219_627..772_219_628);
    // A token said of an honest member that its log was longer than it was, and that member won.
    all_hold(Mix::Liars, 1_058_728..1_058_729);
    // The best candidate had refused the member to which its token came last, and which could not send it home.
    all_hold(Mix::Liars, 900_620_773..900_620_774);
}

#[test]
fn honest_members_that_are_out_of_step_do_not_accuse_each_other() {
    // A leader asks a newcomer for a sign of life before the welcome.
    all_hold(Mix::Calm, 131..132);
    // The answer to one that asks for a merge, and the log of one that hears who leads, are longer than what strangers may say.
    all_hold(Mix::Cut, 118..119);
    all_hold(Mix::Cut, 582..583);
    // A member passes on who leads to a newcomer that waits for another welcome.
    all_hold(Mix::Lasting, 212..213);
    // A link opened before a new life.
    all_hold(Mix::Insider, 50..51);
}

#[test]
fn any_choice_of_faults_is_survived() {
    all_hold(Mix::All, 1..300);
    // A newcomer came to lead, and took a text of one that had departed from the log of another ring once more.
    all_hold(Mix::All, 785_085_416..785_085_417);
    // A leader counted one that asked to merge among its own members, and told it of the epoch before the new one.
    all_hold(Mix::All, 787_124_087..787_124_088);
    // Three members, each of which knew another order of the ring, elected one of them without the five others.
    all_hold(Mix::All, 800_450_207..800_450_208);
}

#[test]
fn equal_seeds_give_equal_traces_byte_for_byte() {
    for seed in [1, 2, 3] {
        let trace = |seed| Recipe::new(seed, Mix::All).trace().trace;
        let first = trace(seed);
        assert!(first.lines().count() > 100);
        assert!(first == trace(seed), "seed {seed} gives two traces");
        assert!(first != trace(seed + 1000));
    }
}

#[test]
fn a_hundred_members_get_along() {
    let outcome = Recipe { nodes: Some(100), ..Recipe::new(5, Mix::Crash) }.run();
    assert_eq!(outcome.result, Ok(()));
}

#[test]
fn the_news_of_a_leader_may_take_its_time_round_a_long_ring() {
    let outcome = Recipe { nodes: Some(300), ..Recipe::new(1, Mix::Crash) }.run();
    assert_eq!(outcome.result, Ok(()));
}

#[test]
fn what_one_that_froze_for_ever_had_sent_lets_it_in_only_for_a_while() {
    all_hold(Mix::Lasting, 10_099_816..10_099_817);
}

#[test]
fn a_last_fault_that_is_noticed_late_costs_only_time() {
    all_hold(Mix::Cut, 12_174_477..12_174_478);
    all_hold(Mix::Freeze, 12_205_766..12_205_767);
    all_hold(Mix::Freeze, 12_209_000..12_209_001);
}

/// A newcomer whose links broke again and again asked a neighbour that had given it up, and was passed over by it in
/// the next election.
#[test]
fn a_newcomer_that_asks_is_no_longer_given_up() {
    all_hold(Mix::Crash, 80_613_877..80_613_878);
}
