//! What people call the members at the first places, unless they choose other names.

use alloc::format;
use alloc::string::String;

use ringchat_core::limits::MAX_ROSTER;

use crate::Place;

/// In the order of the places.
const NAMES: [&str; 26] = [
    "ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "lea", "max", "nia", "oto",
    "pia", "quy", "rex", "sue", "tim", "ulf", "viv", "wes", "xia", "yan", "zoe",
];

/// What the member at this place is usually called: ada, bob and so on, and m27 at place 27.
pub fn usual_name(place: Place) -> String {
    let known = usize::try_from(place).ok().and_then(|place| NAMES.get(place.checked_sub(1)?));
    known.map_or_else(|| format!("m{place}"), |name| (*name).into())
}

/// The place that a number or a usual name stands for, if a room can have it.
pub fn place_called(word: &str) -> Option<Place> {
    let named = (1..).zip(NAMES).find(|(_, name)| *name == word).map(|(place, _)| place);
    let place = named.or_else(|| word.strip_prefix('m').unwrap_or(word).parse().ok())?;
    usize::try_from(place).is_ok_and(|place| (1..=MAX_ROSTER).contains(&place)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_its_usual_name_or_its_number() {
        for place in 1..=30 {
            assert_eq!(place_called(&usual_name(place)), Some(place));
            assert_eq!(place_called(&format!("{place}")), Some(place));
        }
        assert_eq!((usual_name(4), usual_name(27)), ("dan".into(), "m27".into()));
        assert!(["", "0", "m0", "1025", "-1", "nobody"].iter().all(|word| place_called(word).is_none()));
    }
}
