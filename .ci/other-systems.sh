# To be sourced in the folder of the workspace: compiles for systems other than this one. Both Rust's library, as source, and
# a compiler that takes it come from Debian.

# The oldest compiler that the workspace takes.
MSRV=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

has_library_source() {
    [ -x /usr/bin/rustc ] && [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std" ] &&
        printf '%s\n' "$MSRV" "$(/usr/bin/rustc --version | cut -d ' ' -f 2)" | sort --check=silent --version-sort
}

# Installs what is missing. Fails, and says so, if it cannot be had.
need_library_source() {
    has_library_source || { apt-get update -qq && apt-get install -y -qq rustc-web rust-web-src; } >/dev/null 2>&1 || true
    has_library_source && return
    echo "SKIPPED: the source of Rust's library (Debian: rustc-web, rust-web-src) cannot be had here, or is too old."
    return 1
}

cargo_for() { # the system, cargo's command, its options
    local system=$1
    shift
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 cargo "$@" --target "$system" -Zbuild-std=std,panic_abort
}
