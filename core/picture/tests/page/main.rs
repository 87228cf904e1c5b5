//! The page in a real browser: opened from disk without a network, by keyboard, in the dark, as a screen reader has it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on is to panic"
)]
#![allow(clippy::print_stderr, reason = "that a test is skipped has to be seen")]

mod browser;
mod host;
mod made;
mod served;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ringchat_picture::page::page;
use ringchat_picture::trace::TraceReader;
use ringchat_picture::{Format, Wanted, draw};
use ringchat_sim::scenario::play_lives;
use serde_json::{Value, json};

use browser::Tab;

/// A page of a small run in a tab, or `None` where there is no browser.
fn small(moment: &str) -> Option<(Tab, Value)> {
    let mut tab = Tab::new()?;
    let run = made::run(6, 150);
    tab.open(&page("made up", &run.to_string()), moment);
    Some((tab, run))
}

/// The page of a scenario that real nodes play, in a tab.
fn real(tab: &mut Tab, scenario: &str) -> Value {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios").join(format!("{scenario}.txt"));
    let (result, lives, _) = play_lives(&fs::read_to_string(file).unwrap());
    result.unwrap();
    let mut reader = TraceReader::default();
    for life in &lives {
        reader.life(life).unwrap();
    }
    let run = reader.finish(None).unwrap();
    let [html, json] =
        [Format::Html, Format::Json].map(|format| draw(&run, format, &Wanted::default()).unwrap().content);
    tab.open(&html, "");
    serde_json::from_str(&json).unwrap()
}

/// A number of the address, such as that of `e=214`.
fn address(tab: &mut Tab, name: &str) -> Option<f64> {
    // The page tells the address a little later, since browsers refuse to be told of each frame.
    tab.eval("ringchat.player.tellAddress()");
    let value = tab.text(&format!("new URLSearchParams(location.hash.slice(1)).get('{name}') ?? ''"));
    value.parse().ok()
}

#[test]
fn a_page_from_disk_asks_for_nothing_and_complains_of_nothing() {
    let Some(mut tab) = Tab::new() else { return };
    let run = made::run(6, 150);
    let address = tab.open(&page("made up", &run.to_string()), "");
    for key in ["ArrowRight", "Enter", "Escape", "d", "f", "e", "1", "?", "Escape", " "] {
        tab.press(key);
    }
    tab.eval("new Promise((done) => setTimeout(done, 300))");
    let requests: BTreeSet<&str> = (tab.told.iter())
        .filter(|told| told["method"] == "Network.requestWillBeSent")
        .map(|told| told["params"]["request"]["url"].as_str().unwrap())
        .collect();
    assert_eq!(requests, [address.as_str()].into());
    let complaints = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
    let complaints: Vec<&Value> =
        tab.told.iter().filter(|told| complaints.iter().any(|name| told["method"] == *name)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert_eq!(tab.text("document.querySelectorAll('[style*=\"javascript\"]').length"), "0");
}

#[test]
fn a_script_that_is_not_of_the_page_does_not_run() {
    let Some((mut tab, _)) = small("") else { return };
    tab.eval("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.strange = 1' }))");
    assert_eq!(tab.text("typeof window.strange"), "undefined");
    assert!(tab.told.iter().any(|told| told["method"] == "Log.entryAdded"), "the policy tells of it");
}

#[test]
fn keys_move_the_moment() {
    let Some((mut tab, run)) = small("e=10") else { return };
    let mut at = |key: &str| {
        tab.press(key);
        address(&mut tab, "e")
    };
    assert_eq!(at("ArrowRight"), Some(11.0));
    assert_eq!(at("ArrowLeft"), Some(10.0));
    let first = run["elections"][0]["first"].as_f64();
    let second = run["elections"][1]["first"].as_f64();
    assert_eq!(at("]"), first);
    assert_eq!(at("]"), second);
    assert_eq!(at("["), first);
    let winner = &run["elections"][0]["winner"];
    let own: Vec<f64> = (0..)
        .zip(run["events"].as_array().unwrap())
        .filter(|(_, event)| event["m"] == *winner)
        .map(|(e, _): (u32, _)| f64::from(e))
        .collect();
    let place = own.iter().position(|e| Some(*e) == first).unwrap();
    assert_eq!(at("ArrowDown"), Some(own[place + 1]));
    assert_eq!(at("ArrowUp"), first);
    at("Home");
    assert_eq!(address(&mut tab, "t"), Some(0.001));
    tab.press("End");
    assert_eq!(address(&mut tab, "t"), Some(run["end"].as_f64().unwrap() / 1e6));
    tab.press("1");
    assert_eq!(tab.text("new URLSearchParams(ringchat.player.address().slice(1)).get('m')"), "m00");
}

#[test]
fn a_turn_is_all_that_a_member_does_at_one_moment() {
    let Some((mut tab, run)) = small("") else { return };
    // The receipt of a token and its sending on are one turn.
    let taken = run["elections"][0]["first"].as_u64().unwrap() + 1;
    tab.eval(&format!("ringchat.player.go({taken})"));
    tab.press("shift+ArrowRight");
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let later = (taken + 2) as f64;
    assert_eq!(address(&mut tab, "e"), Some(later));
    tab.press("shift+ArrowLeft");
    assert_eq!(address(&mut tab, "e"), Some(later - 2.0));
}

#[test]
fn space_plays_and_pauses() {
    let Some((mut tab, _)) = small("e=10") else { return };
    tab.press(" ");
    assert_eq!(tab.text("document.getElementById('play').getAttribute('aria-label')"), "pause");
    assert_eq!(tab.text("document.getElementById('tell').getAttribute('aria-live')"), "off");
    tab.eval("new Promise((done) => { const from = ringchat.player.t; const look = () => ringchat.player.t > from ? done() : requestAnimationFrame(look); look(); })");
    tab.press(" ");
    assert_eq!(tab.text("document.getElementById('play').getAttribute('aria-label')"), "play");
    assert_eq!(tab.text("document.getElementById('tell').getAttribute('aria-live')"), "polite");
}

/// Clicks the middle of an element with the mouse.
fn click(tab: &mut Tab, what: &str) {
    let at = tab.eval(&format!(
        "(() => {{ const box = {what}.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
    ));
    tab.drag(&[[at[0].as_f64().unwrap(), at[1].as_f64().unwrap()]]);
}

#[test]
fn space_plays_after_a_click_and_presses_what_the_keyboard_has_reached() {
    let Some((mut tab, _)) = small("e=10") else { return };
    let playing = |tab: &mut Tab| tab.text("ringchat.player.playing ?? false");
    for what in ["#follow", "#on", "#slider", "#ring .node circle", ".log"] {
        click(&mut tab, &format!("document.querySelector('{what}')"));
        tab.press(" ");
        assert_eq!(playing(&mut tab), "true", "after a click on {what}");
        tab.press(" ");
        assert_eq!(playing(&mut tab), "false", "after a click on {what}");
    }
    for key in [" ", "Enter"] {
        let faster = tab.eval("ringchat.player.speed").as_u64().unwrap() + 1;
        tab.eval("document.getElementById('speed').previousElementSibling.focus()");
        tab.press("Tab");
        tab.press(key);
        assert_eq!(tab.eval("ringchat.player.speed").as_u64(), Some(faster));
        assert_eq!(playing(&mut tab), "false");
    }
    tab.eval("document.querySelector('#ring .node').focus(); ringchat.player.m = null");
    tab.press(" ");
    assert_eq!(tab.text("ringchat.player.m === null"), "false", "a member is a button");
}

#[test]
fn tab_reaches_every_control_and_shows_where_it_is() {
    let Some((mut tab, _)) = small("e=10") else { return };
    tab.press("Enter");
    let all = "[...document.querySelectorAll('button, input, [tabindex]')].filter((one) => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }))";
    let wanted = tab
        .eval(&format!("const all = {all}; all.forEach((one, i) => {{ one.number = i; }}); all.length"))
        .as_u64()
        .unwrap();
    tab.eval("document.activeElement.blur()");
    let mut reached = BTreeSet::new();
    for _ in 0..wanted + 5 {
        tab.press("Tab");
        let at = tab.eval("[document.activeElement.number ?? -1, getComputedStyle(document.activeElement.querySelector('.halo') ?? document.activeElement)].map((it, i) => i ? Math.max(parseFloat(it.outlineWidth) || 0, it.stroke === 'none' ? 0 : parseFloat(it.strokeWidth) || 0) : it)");
        if let Some(number) = at[0].as_u64() {
            assert!(at[1].as_f64().unwrap() >= 3.0, "control {number} shows no focus: {at}");
            reached.insert(number);
        }
    }
    assert_eq!(reached, (0..wanted).collect(), "of {wanted} controls");
}

#[test]
fn a_screen_reader_finds_a_name_for_everything() {
    let Some((mut tab, run)) = small("") else { return };
    let first = &run["elections"][0]["first"];
    tab.eval(&format!("ringchat.player.go({first} + 3)"));
    tab.press("Enter");
    let tree = tab.ask("Accessibility.getFullAXTree", &json!({}));
    let mut roles = BTreeSet::new();
    for node in tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false) {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        let named = ["button", "slider", "option", "listbox", "tab", "dialog", "region", "group", "heading"];
        if named.contains(&role) {
            assert_ne!(node["name"]["value"].as_str().unwrap_or_default(), "", "{node}");
            roles.insert(role);
        }
    }
    for role in ["button", "slider", "option", "listbox", "region", "heading"] {
        assert!(roles.contains(role), "{role} is not there: {roles:?}");
    }
    let told = tab.text("document.getElementById('slider').getAttribute('aria-valuetext')");
    assert!(told.contains(" ms, ") && told.contains("token"), "{told}");
    let sizes = tab.text("[...new Set([...document.querySelectorAll('[role=option]')].map((row) => row.getAttribute('aria-setsize')))].join()");
    let listed = run["events"].as_array().unwrap().iter().filter(|event| event["words"] != "").count();
    assert_eq!(sizes, listed.to_string());
    assert_eq!(tab.text("document.getElementById(document.getElementById('events').getAttribute('aria-activedescendant')).getAttribute('aria-selected')"), "true");
}

#[test]
fn colours_follow_the_system_and_the_key() {
    let Some((mut tab, _)) = small("") else { return };
    let paper = |tab: &mut Tab| tab.text("getComputedStyle(document.querySelector('.card')).backgroundColor");
    tab.prefer("prefers-color-scheme", "light");
    assert_eq!(paper(&mut tab), "rgb(255, 255, 255)");
    tab.prefer("prefers-color-scheme", "dark");
    assert_eq!(paper(&mut tab), "rgb(22, 27, 34)");
    tab.press("d");
    assert_eq!(paper(&mut tab), "rgb(255, 255, 255)");
    assert!(tab.text("location.hash").contains("theme=light"));
}

#[test]
fn who_wants_no_motion_sees_tokens_jump_and_plays_by_events() {
    let Some(mut tab) = Tab::new() else { return };
    tab.prefer("prefers-reduced-motion", "reduce");
    let run = made::run(6, 150);
    tab.open(&page("made up", &run.to_string()), "");
    assert_eq!(tab.text("document.getElementById('by-events').getAttribute('aria-pressed')"), "true");
    let sent = &run["elections"][0]["first"];
    let mut place = |part: &str| {
        tab.eval(&format!("ringchat.player.seek({sent}, ringchat.run.times[{sent}] + {part})"));
        tab.text("document.querySelector('#ring .token.elect').getAttribute('transform')")
    };
    assert_eq!(place("100"), place("1900"), "the token stands still while it is under way");
}

#[test]
fn a_frame_of_a_long_run_touches_few_marks() {
    let Some(mut tab) = Tab::new() else { return };
    let run = made::run(50, 10_000);
    tab.open(&page("long", &run.to_string()), "");
    let counts = tab.eval(
        "(async () => {
            const { player } = ringchat, count = { changed: 0, made: 0, most: 0, shown: 0, frames: 60, marks: ringchat.run.marks.length };
            player.seek(ringchat.run.elections[0].first - 1, ringchat.run.elections[0].t1 - 1);
            const seen = new MutationObserver((all) => {
                const changed = all.filter((one) => one.type === 'attributes').length, made = all.reduce((sum, one) => sum + one.addedNodes.length, 0);
                count.changed += changed; count.made += made; count.most = Math.max(count.most, changed + made);
            });
            for (const id of ['ring', 'marks', 'rows']) seen.observe(document.getElementById(id), { subtree: true, childList: true, attributes: true });
            for (let i = 0; i < count.frames; i++) {
                player.flow(16);
                await new Promise(requestAnimationFrame);
            }
            seen.disconnect();
            count.shown = player.diagram.shown.size;
            return count;
        })()",
    );
    println!("{counts}");
    let figure = |name: &str| counts[name].as_u64().unwrap();
    assert!(figure("shown") * 10 < figure("marks"), "most marks are not in the page: {counts}");
    assert!(figure("shown") > 20, "those in view are: {counts}");
    assert!(figure("changed") <= 60 * 12, "moved marks a frame: {counts}");
    assert!(figure("made") <= 60 * 4, "marks made a frame: {counts}");
}

#[test]
fn an_event_shows_its_message_its_member_and_what_led_to_it() {
    let Some((mut tab, run)) = small("") else { return };
    let taken = run["elections"][0]["first"].as_u64().unwrap() + 1;
    tab.eval(&format!("ringchat.player.go({taken})"));
    tab.press("Enter");
    let told = tab.text("document.getElementById('more').innerText");
    for word in
        ["passes the token on", "Elect", "before and after this turn", "→ electing", "cause: ", "effect: "]
    {
        assert!(told.contains(word), "{word} is missing in {told}");
    }
    let dim = |tab: &mut Tab| tab.eval("document.querySelectorAll('#marks .dim').length").as_u64().unwrap();
    assert!(dim(&mut tab) > 0, "what could not have influenced it steps back");
    let past = tab.text(&format!("[...ringchat.run.past({taken}).values()].every((e) => e <= {taken})"));
    assert_eq!(past, "true");
    tab.eval("[...document.querySelectorAll('.link')].find((link) => link.textContent.startsWith('cause')).click()");
    assert_eq!(tab.eval("ringchat.player.e").as_u64(), Some(taken - 1));
    tab.press("Escape");
    assert_eq!(tab.text("document.getElementById('more').hidden"), "true");
    assert_eq!(dim(&mut tab), 0);
}

#[test]
fn a_click_chooses_members_events_and_moments() {
    let Some((mut tab, _)) = small("e=10") else { return };
    let mut click = |what: &str| {
        let at = tab.eval(&format!("(() => {{ const box = {what}.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"));
        for kind in ["mousePressed", "mouseReleased"] {
            tab.ask(
                "Input.dispatchMouseEvent",
                &json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 }),
            );
        }
        tab.eval("[ringchat.player.m, ringchat.player.e, document.getElementById('more').hidden]")
    };
    let node = click("document.querySelector('#ring .node circle')");
    assert_eq!(node, json!([0, 10, false]), "the last that happened to the member is told, the moment stays");
    let dot = click(
        "[...ringchat.player.diagram.shown.values()].find((made) => made.mark.kind === 'dot' && made.mark.event === 8).firstChild",
    );
    assert_eq!(dot, json!([0, 8, false]));
}

#[test]
fn the_numbers_are_those_of_the_run() {
    let Some((mut tab, run)) = small("") else { return };
    for election in run["elections"].as_array().unwrap() {
        let (first, won) = (election["first"].as_u64().unwrap(), election["won"].as_u64().unwrap());
        let mut count = |e: u64| {
            tab.eval(&format!("ringchat.player.go({e})"));
            tab.text("document.getElementById('count').textContent")
        };
        assert_eq!(count(first), "1", "one token is on its way");
        assert_eq!(count(first + 2), "2");
        assert_eq!(count(won), election["messages"].to_string());
        assert_eq!(
            tab.text("document.getElementById('theory').textContent"),
            election["theory"]["exact"].to_string()
        );
    }
    let last = run["faults"].as_array().unwrap().last().unwrap();
    tab.press("End");
    let settled = tab.text("document.getElementById('since-what').textContent");
    assert!(settled.contains("all following"), "{settled}, after {last}");
}

#[test]
fn the_page_opens_at_the_first_fault_and_list_and_panel_tell_one_event() {
    let Some(mut tab) = Tab::new() else { return };
    let told = "[ringchat.player.e, ringchat.player.tell.told, ringchat.player.tell.listed[ringchat.player.tell.at]]";
    for (scenario, mode) in [("leader_dies", "dead"), ("a_frozen_leader_is_replaced", "frozen")] {
        let run = real(&mut tab, scenario);
        let fault = &run["faults"][0];
        assert_eq!(tab.eval(told), json!([fault["e"], fault["e"], fault["e"]]), "{scenario}");
        assert_eq!(
            tab.eval(&format!("document.querySelectorAll('#ring .node.{mode}').length")),
            1,
            "{scenario}"
        );
        tab.press("End");
        let told = tab.eval(told);
        assert_eq!(
            told[1],
            told[2],
            "{scenario}: {}",
            tab.text("JSON.stringify(ringchat.run.events[ringchat.player.e])")
        );
    }
}

#[test]
fn time_is_counted_from_what_broke_the_ring_until_all_that_live_follow() {
    let Some(mut tab) = Tab::new() else { return };
    for (scenario, mends, what) in
        [("a_frozen_leader_is_replaced", "thaw", "freeze"), ("a_partition_heals", "heal", "partition")]
    {
        let run = real(&mut tab, scenario);
        let mended = run["faults"].as_array().unwrap().iter().find(|fault| fault["kind"] == mends).unwrap();
        let figure = |tab: &mut Tab| tab.text("document.getElementById('since-what').textContent");
        tab.eval(&format!("ringchat.player.go({} - 1)", mended["e"]));
        let before = figure(&mut tab);
        assert!(before.contains(what), "{scenario}: {before}");
        tab.eval(&format!("ringchat.player.go({})", mended["e"]));
        assert!(figure(&mut tab).contains(what), "{scenario}");
        tab.press("End");
        assert_eq!(figure(&mut tab), format!("from the {what} to all following, in a closed ring"));
    }
}

#[test]
fn how_an_election_ends_is_told_once_it_is_seen() {
    let Some(mut tab) = Tab::new() else { return };
    let run = real(&mut tab, "leader_dies");
    let election = run["elections"].as_array().unwrap().last().unwrap();
    let mut label = |e: &Value| {
        tab.eval(&format!("ringchat.player.go({e})"));
        tab.text("getComputedStyle([...document.querySelectorAll('.mark.band.elect text')].at(-1)).display")
    };
    assert_eq!(label(&election["first"]), "none");
    assert_eq!(label(&(run["events"].as_array().unwrap().len() - 1).into()), "block");
}

#[test]
fn a_token_is_seen_from_the_first_to_the_win() {
    let Some(mut tab) = Tab::new() else { return };
    real(&mut tab, "leader_dies");
    let unseen = tab.eval(
        "(() => {
            const { run, player } = ringchat, { first, won } = run.elections.at(-1), unseen = [];
            for (let e = first; e < won; e++) {
                player.go(e);
                if (!document.querySelector('#ring .token.elect')) unseen.push([e, run.events[e].what]);
            }
            player.go(won);
            return unseen.concat([...document.querySelectorAll('#ring .token.held')].map(() => 'held after the win'));
        })()",
    );
    assert_eq!(unseen, json!([]));
}

#[test]
fn each_reign_has_its_name_where_there_is_room() {
    let Some(mut tab) = Tab::new() else { return };
    real(&mut tab, "leader_dies");
    let names = tab
        .text("[...document.querySelectorAll('#reigns text')].map((name) => name.textContent).sort().join()");
    assert_eq!(names.split(',').filter(|name| name.ends_with(" leads")).count(), 2, "{names}");
    let over = tab.eval(
        "(() => {
            const boxes = [...document.querySelectorAll('#reigns text')].map((name) => name.getBoundingClientRect()).sort((a, b) => a.left - b.left);
            return boxes.filter((box, i) => i && box.left < boxes[i - 1].right).length;
        })()",
    );
    assert_eq!(over, 0, "no name lies over another");
}

#[test]
fn going_there_directly_or_step_by_step_shows_the_same() {
    let Some((mut tab, _)) = small("") else { return };
    let differ = tab.eval(
        "(() => {
            const { run } = ringchat, look = (state) => JSON.stringify([state.members, state.order, state.told]);
            run.current = null;
            const steps = run.events.map((_, e) => look(run.at(e)));
            return run.events.map((_, e) => e).filter((e) => { run.current = null; return look(run.at(e)) !== steps[e]; });
        })()",
    );
    assert_eq!(differ, json!([]));
}

#[test]
fn the_saved_diagram_is_a_whole_picture() {
    let Some((mut tab, run)) = small("") else { return };
    let checked = tab.eval(
        "(() => {
            const text = ringchat.player.diagram.file(), file = new DOMParser().parseFromString(text, 'image/svg+xml');
            return [file.querySelector('parsererror') === null, file.documentElement.tagName, file.querySelectorAll('.mark.dot').length,
                file.querySelectorAll('script, [style], image, use').length, file.querySelector('title').textContent];
        })()",
    );
    let dots = run["marks"].as_array().unwrap().iter().filter(|mark| mark["kind"] == "dot").count();
    assert_eq!(checked, json!([true, "svg", dots, 0, "made up"]));
}

#[test]
fn on_a_phone_one_view_at_a_time_fills_the_window() {
    let Some(mut tab) = Tab::new() else { return };
    tab.size(390, 844);
    tab.open(&page("made up", &made::run(6, 150).to_string()), "e=10");
    let seen = "['ring-card', 'time-card', 'side'].filter((id) => document.getElementById(id).checkVisibility({ visibilityProperty: true })).join()";
    assert_eq!(tab.text(seen), "ring-card");
    tab.eval("document.getElementById('tab-time').click()");
    assert_eq!(tab.text(seen), "time-card");
    assert!(tab.eval("ringchat.player.diagram.shown.size").as_u64().unwrap() > 10);
    assert_eq!(tab.text("document.documentElement.scrollWidth <= 390"), "true", "nothing sticks out");
}

#[test]
fn on_paper_the_diagram_stands_in_sheets_with_heads() {
    let Some((mut tab, run)) = small("") else { return };
    let zero = run["zero"].as_u64().unwrap();
    let shown = "new Set([...document.querySelectorAll('.sheet')].map((sheet) => [...sheet.querySelectorAll('#heads .column-head')].length)).size";
    tab.eval("dispatchEvent(new Event('beforeprint'))");
    let sheets = tab.eval("document.querySelectorAll('.sheet').length").as_u64().unwrap();
    assert!(sheets > 1, "{sheets}");
    assert_eq!(tab.eval(shown), 1, "each has all heads");
    // Each row from the first fault on stands within one sheet, and none in two.
    let rows = tab.eval(&format!(
        "(() => {{
            const boxes = [...document.querySelectorAll('.sheet #marks')].map((svg) => svg.viewBox.baseVal);
            return ringchat.run.rows.filter(({{ y, t }}) => t >= {zero} && boxes.filter((box) => box.y + 8 < y && y < box.y + box.height - 4).length !== 1).length;
        }})()"
    ));
    assert_eq!(rows, 0);
    tab.ask("Emulation.setEmulatedMedia", &json!({ "media": "print" }));
    let hidden =
        "['menu', 'side', 'time'].map((id) => getComputedStyle(document.getElementById(id)).display).join()";
    assert_eq!(tab.text(hidden), "none,none,none");
    tab.paper("sheets");
    tab.ask("Emulation.setEmulatedMedia", &json!({ "media": "" }));
    tab.eval("dispatchEvent(new Event('afterprint'))");
    assert_eq!(tab.eval("document.querySelectorAll('.sheet').length"), 0);
}

#[test]
fn two_logs_are_compared() {
    let Some((mut tab, run)) = small("") else { return };
    // In the middle of the first text, some members show it already.
    let shown = run["logs"][0]["cells"][0]["e"].as_u64().unwrap();
    tab.eval(&format!("ringchat.player.go({shown})"));
    tab.eval("[...document.querySelectorAll('.log')].filter((log) => ['m00', 'm05'].includes(log.firstChild.textContent)).forEach((log) => log.click())");
    let told = tab.text("document.getElementById('compare').textContent");
    assert!(told.starts_with("m00 alone has entry"), "{told}");
    assert_eq!(tab.text("document.querySelectorAll('.log[aria-pressed=true]').length"), "2");
}

#[test]
fn the_address_tells_where_the_page_was_left() {
    let Some((mut tab, run)) = small("") else { return };
    let first = run["elections"][1]["first"].as_u64().unwrap();
    tab.eval(&format!(
        "ringchat.player.go({first}); ringchat.player.choose(3); ringchat.player.tellAddress()"
    ));
    tab.press("d");
    let hash = tab.text("location.hash");
    tab.open(&page("made up", &run.to_string()), hash.trim_start_matches('#'));
    let left =
        tab.eval("[ringchat.player.e, ringchat.player.m, document.documentElement.dataset.theme ?? '']");
    assert_eq!(left[0], first);
    assert_eq!(left[1], 3);
    assert!(left[2] == "dark" || left[2] == "light", "{hash}");
}

#[test]
fn what_real_nodes_did_is_told_to_the_end() {
    told_to_the_end(&["leader_dies", "each_leader_in_turn", "a_join_during_an_election"]);
}

#[test]
fn what_broke_and_was_mended_is_told_to_the_end() {
    told_to_the_end(&[
        "a_partition_heals",
        "a_frozen_leader_is_replaced",
        "the_leader_restarts_at_the_same_address",
    ]);
}

fn told_to_the_end(scenarios: &[&str]) {
    let Some(mut tab) = Tab::new() else { return };
    for scenario in scenarios {
        let run = real(&mut tab, scenario);
        let told = tab.eval(
            "(() => {
                const { run, player } = ringchat, figures = [], look = (id) => document.getElementById(id).textContent;
                for (const election of run.elections.filter((one) => one.won !== null)) {
                    player.go(election.won);
                    const shown = look('count'), leads = run.at(run.turnEnd(election.won)).members[election.winner].mode;
                    figures.push([Number(shown), leads]);
                }
                const wrong = player.steps.filter((e) => { player.go(e); return player.e !== e || look('say') === ''; });
                player.start();
                for (let i = 0; i < 20000 && player.playing; i++) player.flow(1000);
                return { figures, wrong, ended: !player.playing, at: player.t };
            })()",
        );
        let elections =
            run["elections"].as_array().unwrap().iter().filter(|election| !election["won"].is_null());
        let counted: Vec<Value> =
            elections.map(|election| json!([election["messages"], "leading"])).collect();
        assert_eq!(told["figures"], json!(counted), "{scenario}");
        assert_eq!(
            told["wrong"],
            json!([]),
            "{scenario}: events that cannot be reached, or of which nothing is said"
        );
        assert_eq!((&told["ended"], &told["at"]), (&json!(true), &run["end"]), "{scenario}");
        assert!(!tab.told.iter().any(|told| told["method"] == "Runtime.exceptionThrown"), "{scenario}");
    }
}
