//! Writes the table from which `src/looks.rs` reads what characters look like.

use std::fmt::Write;
use std::path::Path;
use std::{env, error, fs};

use unicode_normalization::is_nfd;
use unicode_security::skeleton;

fn main() -> Result<(), Box<dyn error::Error>> {
    let (mut entries, mut prototypes) = (String::new(), String::new());
    for c in '\0'..=char::MAX {
        let looked_up: String = c.into();
        let prototype: String = skeleton(&looked_up).collect();
        if is_nfd(&looked_up) && prototype != looked_up {
            writeln!(entries, "({c:?}, {}, {}),", prototypes.len(), prototype.len())?;
            prototypes.push_str(&prototype);
        }
    }
    let prototypes = prototypes.escape_unicode();
    let table = format!(
        "static PROTOTYPES: &str = \"{prototypes}\";\nstatic ENTRIES: &[(char, u16, u8)] = &[\n{entries}];\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("looks.rs"), table)?;
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
