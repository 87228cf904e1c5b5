//! The page that a server gives: the laboratory with its real engine, and the live view.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringchat_lab::Lab;
use ringchat_picture::page::served;
use ringchat_picture::trace::{MergedRun, TraceReader};
use ringchat_picture::{Feed, Wanted};
use ringchat_sim::scenario::play_lives;
use serde_json::{Value, json};

use super::browser::Tab;
use super::host::Host;
use super::made;

/// The laboratory in a tab, once it shows a room.
fn lab() -> Option<(Tab, Host)> {
    let mut tab = Tab::new()?;
    let mut lab = Lab::new("nodes 6 seed 7 delay 9ms").unwrap();
    let host = Host::new(move |asked| lab.ask(asked));
    tab.visit(&host.address);
    settled(&mut tab);
    Some((tab, host))
}

/// Waits until a run is shown and nothing of it is asked for.
fn settled(tab: &mut Tab) {
    tab.until(
        "ringchat.served.known > ringchat.player.t && !ringchat.served.turning && !ringchat.served.asking",
    );
}

/// Shows the moment in which so much of the last election has happened: 0 its first token, 1 its win.
fn at_election(tab: &mut Tab, part: &str) {
    tab.until("ringchat.run.elections.at(-1)?.t2");
    tab.eval(&format!(
        "(() => {{
            const {{ t1, t2 }} = ringchat.run.elections.at(-1), t = t1 + Math.round((t2 - t1) * {part});
            ringchat.player.pause(); ringchat.player.seek(ringchat.player.before(t), t);
        }})()"
    ));
}

fn tabs(tab: &mut Tab) -> String {
    tab.text("[...document.querySelectorAll('#branches [role=tab]')].map((one) => one.textContent + (one.ariaSelected === 'true' ? '*' : '')).join(' | ')")
}

fn text(tab: &mut Tab, id: &str) -> String {
    tab.text(&format!("document.getElementById('{id}').textContent"))
}

fn press_all(tab: &mut Tab, keys: &[&str]) {
    for key in keys {
        tab.press(key);
    }
}

fn nothing_is_wrong(tab: &mut Tab, host: &Host) {
    assert_eq!(text(tab, "trouble"), "");
    let origin = host.address.split_once("/#").unwrap().0;
    let requests: BTreeSet<&str> = (tab.told.iter())
        .filter(|told| told["method"] == "Network.requestWillBeSent")
        // The last question of the page before may be told of late.
        .filter(|told| told["params"]["documentURL"].as_str().unwrap().starts_with(origin))
        .map(|told| told["params"]["request"]["url"].as_str().unwrap())
        .collect();
    assert!(
        requests.iter().all(|url| [format!("{origin}/"), format!("{origin}/ask")].contains(&(*url).into())),
        "{requests:?}"
    );
    let complaints = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
    let complaints: Vec<&Value> =
        tab.told.iter().filter(|told| complaints.iter().any(|name| told["method"] == *name)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn the_leader_is_crashed_by_key_and_another_fault_in_its_past_makes_a_branch() {
    let Some((mut tab, host)) = lab() else { return };
    assert!(!tab.text("location.href").contains("k="), "the key is in no link that is copied");
    assert_eq!(tabs(&mut tab), "a room of 6*");
    tab.shot("lab");
    press_all(&mut tab, &["m", "Enter"]);
    tab.until("ringchat.player.playing && ringchat.run.faults.length === 1");
    assert_eq!(
        tabs(&mut tab),
        "crash leader at 0.4s*",
        "nothing of the room had been seen that is not in this run"
    );
    // An election takes about twelve seconds to look at.
    tab.until("ringchat.served.slow === null");
    let seconds = tab.eval("(({ t1, t2 }) => (t2 - t1) / 1e6 / [0.001, 0.002, 1 / 300, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1][ringchat.player.speed])(ringchat.run.elections[0])");
    assert!((7.0..20.0).contains(&seconds.as_f64().unwrap()), "{seconds}");
    at_election(&mut tab, "1.1");
    tab.until("ringchat.served.seen.get(ringchat.served.run.run) >= ringchat.player.t");
    at_election(&mut tab, "0.5");
    tab.shot("lab-election");
    // The other member of the ring is chosen by keyboard, and stopped.
    press_all(&mut tab, &["m", "ArrowDown", "ArrowDown", "Enter"]);
    tab.until("ringchat.served.runs.length === 2 && ringchat.run.faults.length === 2");
    let both = tabs(&mut tab);
    assert!(both.starts_with("crash leader at 0.4s | freeze bob at ") && both.ends_with('*'), "{both}");
    tab.shot("lab-branch");
    assert_eq!(tab.text("document.querySelectorAll('#branches .close').length"), "2");
    tab.eval("document.querySelector('#branches [role=tab]').click()");
    tab.until("ringchat.run.faults.length === 1");
    assert!(tabs(&mut tab).starts_with("crash leader at 0.4s* | freeze"));
    settled(&mut tab);
    tab.press("u");
    tab.until("ringchat.run.faults.length === 0 && !ringchat.served.turning");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn runs_have_short_names_of_their_own_and_are_closed_one_by_one() {
    let Some((mut tab, host)) = lab() else { return };
    let labels = tab.eval(
        "(() => {
            const { served } = ringchat, label = 'crash leader at 0.4324567s', runs = [{ label }, { label }, { label: 'heal at 1s' }];
            return runs.map((one) => served.label.call({ runs }, one));
        })()",
    );
    assert_eq!(labels, json!(["crash leader at 0.432s", "crash leader at 0.432s (2)", "heal at 1s"]));
    let exercise = "(async () => { const { served } = ringchat, now = await served.ask({ ask: 'exercise', n: 2 }); await served.changed(now, now.gathered + 50000, false); })()";
    for _ in 0..8 {
        assert!(!text(&mut tab, "trouble").contains("gone"));
        tab.eval(exercise);
    }
    let told = text(&mut tab, "trouble");
    assert_eq!(told, "No more than 8 runs are kept: “a room of 6” is gone.");
    let seen = tab.eval("['#branches [aria-selected=true]', '#branches'].flatMap((one) => (({ left, right }) => [Math.round(left), Math.round(right)])(document.querySelector(one).getBoundingClientRect()))");
    let [left, right, from, to] = [0, 1, 2, 3].map(|i| seen[i].as_i64().unwrap());
    assert!(from <= left && right <= to, "the run that is shown is in view: {seen}");
    let shown = tab.eval("ringchat.served.run.run");
    tab.eval("document.querySelector('#branches .close').click()");
    tab.until("ringchat.served.runs.length === 7");
    assert_eq!(tab.eval("ringchat.served.run.run"), shown, "another one is closed");
    tab.shot("lab-runs");
    tab.eval("ringchat.served.note = ''; ringchat.served.tell('')");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn time_goes_on_beyond_what_is_known() {
    let Some((mut tab, host)) = lab() else { return };
    let known = tab.eval("ringchat.served.known").as_f64().unwrap();
    tab.eval("ringchat.player.speed = 10");
    tab.press(" ");
    tab.until(&format!("ringchat.player.t > {known} + 500000"));
    assert_eq!(tab.text("ringchat.player.playing"), "true");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn the_sliders_of_the_network_leave_other_keys_alone() {
    let Some((mut tab, host)) = lab() else { return };
    let delay = tab.text("document.getElementById('delay').value");
    tab.eval("document.getElementById('delay').focus()");
    press_all(&mut tab, &["End", "Home", " "]);
    assert_eq!(tab.text("ringchat.player.playing"), "true");
    tab.press(" ");
    assert_eq!(tab.text("document.getElementById('delay').value"), delay);
    tab.press("m");
    tab.until("document.getElementById('deeds').matches(':popover-open')");
    nothing_is_wrong(&mut tab, &host);
}

/// Whether nothing that is to be seen at once lies over another, or outside of the window.
fn all_is_in_view(tab: &mut Tab, ids: &str, scrolls: bool) {
    let wrong = tab.text(&format!(
        "(async () => {{ const end = Date.now() + 5000, look = () => {{
            const ids = '{ids}'.split(' '), box = (id) => document.getElementById(id).getBoundingClientRect(), wrong = [];
            const main = document.querySelector('main').getBoundingClientRect(), footer = document.querySelector('footer').getBoundingClientRect();
            if (footer.bottom > innerHeight || footer.top < main.bottom) wrong.push('footer');
            if (document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight) wrong.push('the window scrolls');
            for (const id of ids) {{
                if ({scrolls}) document.getElementById(id).scrollIntoView({{ block: 'nearest' }});
                const one = box(id);
                if (one.height < 10 || one.left < 0 || one.right > innerWidth + 1 || one.top < 0 || one.bottom > footer.top) wrong.push(id);
            }}
            for (const one of document.querySelectorAll('#numbers div, #numbers dt')) {{
                if (one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth) wrong.push(one.textContent);
            }}
            return wrong.join();
        }};
        // The page may be about to follow a new size of its window.
        while (look() && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
        return look(); }})()"
    ));
    assert_eq!(wrong, "", "{}", tab.text("innerWidth + ' x ' + innerHeight"));
}

#[test]
fn with_a_task_open_the_transport_covers_nothing() {
    let Some((mut tab, host)) = lab() else { return };
    press_all(&mut tab, &["x", "Tab", "Enter"]);
    tab.until("ringchat.served.task?.n === 2 && document.getElementById('goal').textContent");
    settled(&mut tab);
    for (width, height, scrolls) in [(1400, 900, false), (1000, 700, false), (390, 844, true)] {
        tab.size(width, height);
        tab.until(&format!("innerWidth === {width}"));
        // The longest that stands there.
        tab.eval("document.getElementById('theory-of').textContent = 'by theory: one starts, n + hops = 5 + 4 (5 to 9, mean 7)'");
        all_is_in_view(&mut tab, "task ring doing say numbers count", scrolls);
        for theme in ["light", "dark"] {
            tab.prefer("prefers-color-scheme", theme);
            tab.shot(&format!("task-{width}-{theme}"));
        }
    }
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn an_exercise_tells_how_far_one_is_and_what_it_teaches() {
    let Some((mut tab, host)) = lab() else { return };
    press_all(&mut tab, &["x", "Tab", "Enter"]);
    tab.until("ringchat.served.task?.n === 2 && document.getElementById('goal').textContent");
    assert_eq!(text(&mut tab, "goal"), "no election yet");
    settled(&mut tab);
    tab.eval("document.getElementById('hint').click()");
    assert!(text(&mut tab, "task-more").contains("crash at the same moment"));
    // Three members crash at one moment: time stands still in between.
    for name in ["ada", "bob", "cyd"] {
        tab.press("m");
        tab.eval(&format!("document.getElementById('stay').checked = true; document.getElementById('whom').value = '{name}'; document.getElementById('whom').dispatchEvent(new Event('change'))"));
        tab.press("Enter");
        tab.until(&format!("ringchat.run.faults.some((fault) => fault.words.startsWith('{name} ')) && !ringchat.served.turning"));
        settled(&mut tab);
    }
    assert_eq!(tabs(&mut tab), "a room of 6 | crash cyd at 0.4s*");
    tab.eval("ringchat.player.speed = 10");
    tab.press(" ");
    tab.until("document.getElementById('task').className === 'done'");
    assert_eq!(text(&mut tab, "goal"), "✓ 3 messages, one for each of 3 members");
    assert!(text(&mut tab, "task-more").contains("goes round once"));
    tab.shot("lab-solved");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn the_first_exercise_takes_a_guess() {
    let Some((mut tab, host)) = lab() else { return };
    press_all(&mut tab, &["x", "Enter"]);
    tab.until(
        "ringchat.served.task?.n === 1 && document.getElementById('goal').textContent === 'no guess yet'",
    );
    settled(&mut tab);
    tab.eval(
        "[...document.querySelectorAll('#guess button')].find((one) => one.textContent === 'dan').click()",
    );
    tab.until("document.getElementById('goal').textContent === 'you guess dan; play on'");
    tab.eval("ringchat.player.speed = 10");
    tab.press(" ");
    tab.until("document.getElementById('goal').textContent === '✓ dan leads, as you guessed'");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn a_member_an_arrow_and_a_line_across_the_ring_are_taken_by_mouse() {
    let Some((mut tab, host)) = lab() else { return };
    let spot = |tab: &mut Tab, what: &str| {
        let at = tab.eval(&format!(
            "(() => {{
                const {{ ring }} = ringchat.player, at = (m) => ring.run.members.findIndex((one) => one.name === m);
                const [x, y] = {what}, seen = new DOMPoint(x, y).matrixTransform(ring.root.getScreenCTM());
                return [seen.x, seen.y];
            }})()"
        ));
        [at[0].as_f64().unwrap(), at[1].as_f64().unwrap()]
    };
    let node = spot(&mut tab, "ring.spot(at('cyd'))");
    tab.drag(&[node]);
    assert_eq!(tab.text("document.getElementById('whom').value"), "cyd");
    assert_eq!(
        tab.text(
            "[...document.querySelectorAll('#deeds button:disabled b')].map((one) => one.textContent).join()"
        ),
        "Thaw"
    );
    tab.shot("lab-menu");
    tab.press("Escape");
    let arrow = spot(&mut tab, "ring.way(at('bob'), at('cyd')).at(0.5)");
    tab.drag(&[arrow]);
    assert_eq!(
        tab.text("['whom', 'other'].map((id) => document.getElementById(id).value).join()"),
        "bob,cyd"
    );
    assert_eq!(tab.text("document.activeElement.dataset.deed"), "cut");
    tab.press("Enter");
    tab.until("ringchat.run.faults.at(-1)?.kind === 'cut'");
    settled(&mut tab);
    assert_eq!(tab.text("document.querySelectorAll('#ring .cutting').length"), "1");
    tab.eval("ringchat.player.pause()");
    // A line from left to right, with two members above it.
    let line = [spot(&mut tab, "[60, 170]"), spot(&mut tab, "[250, 150]"), spot(&mut tab, "[440, 130]")];
    tab.drag(&line);
    tab.until("ringchat.run.partitions.length === 1 && !ringchat.served.turning");
    let sides = tab.text("ringchat.run.partitions[0].sides.map((side) => side.map((m) => ringchat.run.name(m)).sort().join()).sort().join(' | ')");
    assert_eq!(sides, "ada,fay | bob,cyd,dan,eve");
    tab.shot("lab-split");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn the_script_and_the_network_can_be_changed() {
    let Some((mut tab, host)) = lab() else { return };
    tab.eval("(() => { const delay = document.getElementById('delay'); delay.value = 5; delay.dispatchEvent(new Event('change')); })()");
    tab.until(
        "ringchat.served.run.script.startsWith('nodes 6 seed 7 delay 50ms') && !ringchat.served.turning",
    );
    settled(&mut tab);
    assert_eq!(text(&mut tab, "delay-is"), "50 ms");
    tab.press("s");
    tab.eval("document.getElementById('text').value = 'nodes 3\\nat 1s dance'; document.getElementById('apply').click()");
    tab.until("document.getElementById('wrong').textContent.includes('unknown action')");
    tab.eval("document.getElementById('text').value = 'nodes 3 seed 2\\nat 100ms crash leader'; document.getElementById('apply').click()");
    tab.until("!document.getElementById('paper').open && ringchat.served.run.members.length === 3");
    settled(&mut tab);
    assert_eq!(tab.text("ringchat.run.columns.length"), "3");
    tab.eval("document.getElementById('trouble').textContent = ''");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn a_server_that_is_gone_is_told_of_and_found_again() {
    let Some((mut tab, host)) = lab() else { return };
    host.answers.store(false, Ordering::Relaxed);
    press_all(&mut tab, &["m", "Enter"]);
    tab.until("document.getElementById('gone-why').textContent.includes('is gone')");
    assert_eq!(tab.text("document.getElementById('gone').hidden"), "false");
    host.answers.store(true, Ordering::Relaxed);
    tab.eval("document.getElementById('again').click()");
    tab.until("document.getElementById('gone').hidden");
    settled(&mut tab);
    tab.eval("sessionStorage.clear()");
    press_all(&mut tab, &["m", "Enter"]);
    tab.until("document.getElementById('gone-why').textContent.includes('Open the address')");
}

/// What one member of a room saw, up to a moment.
fn seen_by_one(member: usize, crashes: &str, end: u64) -> MergedRun {
    let (_, mut lives, _) = play_lives(&format!(
        "nodes 4 seed 3 delay 5ms\nname 1 board\nname 2 bob\nname 3 cyd\nname 4 dan\nat 200ms say bob the secret\nat 300ms crash {crashes}\nuntil converged within 5s\nuntil time within 2s\n",
    ));
    let mut reader = TraceReader::default();
    let life = &mut lives[member];
    life.lines.retain(|line| line.t <= end);
    reader.life(life).unwrap();
    reader.finish(None).unwrap()
}

/// A real room that one member sees, of which something is new each time that the page asks.
fn live(member: usize, crashes: &'static str) -> (Host, Arc<AtomicBool>) {
    let (mut feed, mut now) = (Feed::default(), 600_000);
    let over = Arc::new(AtomicBool::new(false));
    let has_left = Arc::clone(&over);
    let host = Host::new(move |asked| {
        let asked: Value = serde_json::from_str(asked).unwrap();
        if asked["ask"] == "hello" {
            return json!({ "kind": "live", "name": "board" }).to_string();
        }
        now += 150_000;
        feed.draw(&seen_by_one(member, crashes, now), &Wanted::default()).unwrap();
        let over = has_left.load(Ordering::Relaxed).then_some("left");
        let part: Value = serde_json::from_str(&feed.since(asked["have"].as_u64().unwrap())).unwrap();
        json!({ "version": feed.version(), "now": now, "part": part, "over": over }).to_string()
    });
    (host, over)
}

#[test]
fn an_election_of_a_real_room_is_played_again_slowly() {
    let Some(mut tab) = Tab::new() else { return };
    let (host, _) = live(1, "leader");
    tab.visit(&host.address);
    tab.until("ringchat.run.elections.at(-1)?.followed && !document.getElementById('replay').hidden");
    let announced = tab.eval("ringchat.run.elections.at(-1).announced").as_u64().unwrap();
    assert!(announced > 0, "{announced}");
    tab.press("r");
    assert_eq!(tab.text("document.getElementById('live').textContent"), "back to live");
    let [t, fault] = ["player.t", "run.faults.at(-1).t"].map(|what| tab.eval(&format!("ringchat.{what}")));
    let (t, fault) = (t.as_f64().unwrap(), fault.as_f64().unwrap());
    assert!((fault..fault + 20_000.0).contains(&t), "it begins with the crash: {t}, {fault}");
    tab.eval("ringchat.player.seek(ringchat.run.elections.at(-1).first, ringchat.run.elections.at(-1).t1)");
    tab.until("document.querySelector('#ring .token.elect')");
    tab.eval("ringchat.player.seek(ringchat.player.before(ringchat.served.until), ringchat.served.until)");
    tab.until("document.getElementById('live').textContent === 'live'");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn a_real_room_is_followed_and_keeps_its_secrets() {
    let Some(mut tab) = Tab::new() else { return };
    let (host, over) = live(0, "cyd");
    tab.visit(&host.address);
    tab.until(
        "ringchat.player.playing && ringchat.run.logs.size > 0 && document.body.innerText.includes('“…”')",
    );
    assert_eq!(text(&mut tab, "seen"), "as board sees it");
    assert_eq!(
        tab.text("document.getElementById('doing').hidden && document.getElementById('bench').hidden"),
        "true",
        "it is read only"
    );
    // Of the others it is told what this member knows.
    tab.until("ringchat.player.t > 500000");
    let modes = "['board', 'bob', 'cyd', 'dan'].map((name) => ringchat.run.at(ringchat.player.e).members[ringchat.run.members.findIndex((one) => one.name === name)].mode).join()";
    assert_eq!(tab.text(modes), "leading,normal,dead,normal");
    assert_eq!(tab.text("document.querySelectorAll('#ring .next').length"), "3", "the ring is closed");
    let said = "ringchat.run.events.some((event) => event.words.includes('the secret'))";
    assert_eq!(tab.text(said), "false");
    tab.press("t");
    tab.until(said);
    tab.press("n");
    tab.until("ringchat.run.members.every((member) => /^[a-d]$/.test(member.name))");
    assert_eq!(
        tab.text("ringchat.run.events.some((event) => /board|bob|cyd|dan/.test(JSON.stringify(event)))"),
        "false"
    );
    // Whoever steps back looks at the past, until the button is pressed.
    press_all(&mut tab, &["ArrowLeft", "ArrowLeft"]);
    tab.until("document.getElementById('live').textContent === 'back to live'");
    let at = tab.eval("ringchat.player.t").as_f64().unwrap();
    let end = tab.eval("ringchat.run.end").as_f64().unwrap();
    tab.until(&format!("ringchat.run.end > {end}"));
    assert_eq!(tab.eval("ringchat.player.t").as_f64(), Some(at));
    tab.press("l");
    tab.until("document.getElementById('live').textContent === 'live' && ringchat.run.end - ringchat.player.t < 2000000");
    tab.shot("live");
    tab.size(390, 844);
    tab.until("innerWidth === 390");
    all_is_in_view(&mut tab, "ring say numbers count", true);
    let empty = "(({ height }, { width, height: high }) => high - Math.min(height, width * 0.86))(document.getElementById('ring').getBoundingClientRect(), document.getElementById('ring-card').getBoundingClientRect())";
    let empty = tab.eval(empty).as_f64().unwrap();
    assert!(empty < 130.0, "{empty}");
    tab.shot("live-phone");
    over.store(true, Ordering::Relaxed);
    tab.until("document.getElementById('over').textContent.includes('has left')");
    nothing_is_wrong(&mut tab, &host);
}

#[test]
fn a_run_grows_and_takes_another_turn() {
    let Some(mut tab) = Tab::new() else { return };
    let whole = made::run(6, 150);
    let cut_at = whole["elections"][0]["first"].as_u64().unwrap();
    tab.open(&served().html, "");
    let same = tab.eval(&format!(
        "(() => {{
            const whole = {whole}, {{ run, append }} = ringchat, look = () => JSON.stringify(run.at(run.events.length - 1).members);
            const lists = Object.entries(whole).filter(([name, list]) => Array.isArray(list) && !['logs', 'ring0'].includes(name)).map(([name]) => name);
            append({{ ...structuredClone(whole), from: Object.fromEntries(lists.map((name) => [name, 0])) }});
            const before = look(), first = whole.changes.findIndex((change) => change.e >= {cut_at});
            const from = {{ rows: {cut_at}, events: {cut_at}, changes: first, flights: 0 }};
            append({{ from, rows: [], events: [], changes: [], flights: [] }});
            const between = run.events.length, part = {{ from }};
            for (const [name, at] of Object.entries(from)) part[name] = whole[name].slice(at);
            append(part);
            return [between, look() === before, run.events.length === whole.events.length];
        }})()"
    ));
    assert_eq!(same, json!([cut_at, true, true]));
}
