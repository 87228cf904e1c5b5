//! Somebody else implements the suite.

use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

use super::*;

/// Implements nothing.
struct Nothing;

impl CryptoResolver for Nothing {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        unreachable!("the one random source is the ephemeral key")
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        None
    }

    fn resolve_hash(&self, _: &HashChoice) -> Option<Box<dyn Hash>> {
        None
    }

    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        None
    }
}

/// Has another cipher in place of that of the suite.
struct Another;

impl CryptoResolver for Another {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Nothing.resolve_rng()
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        let other = match choice {
            CipherChoice::AESGCM => CipherChoice::ChaChaPoly,
            CipherChoice::ChaChaPoly => CipherChoice::AESGCM,
        };
        DefaultResolver.resolve_cipher(&other)
    }
}

fn pair_with(resolver: fn() -> BoxedCryptoResolver) -> [Credentials; 2] {
    pair().map(|who| who.with_resolver(resolver))
}

#[test]
fn what_a_resolver_lacks_is_implemented_all_the_same() {
    let [alice, bob] = pair();
    let [alice_too, bob_too] = pair_with(|| Box::new(Nothing));
    for [dialer, acceptor] in [[&alice_too, &bob_too], [&alice, &bob_too], [&alice_too, &bob]] {
        assert_eq!(met(dialer, acceptor, None).0, met(&alice, &bob, None).0);
    }
}

#[test]
fn what_a_resolver_implements_is_used() {
    let [alice, bob] = pair_with(|| Box::new(Another));
    met(&alice, &bob, None);
    let (_, first) = dial(&alice, None);
    assert_eq!(accept(&pair()[1]).hear(&first), Ok(Heard::default()));
}
