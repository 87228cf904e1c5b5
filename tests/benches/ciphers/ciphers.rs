//! What sealing and opening a record costs with each cipher and implementation, and what a handshake costs.
//!
//! `cd tests/benches/ciphers && cargo bench`

use std::cell::Cell;
use std::num::NonZeroU64;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ringchat_core::secure::{
    AcceptedEphemerals, Credentials, Ephemeral, Identity, Link, Opened, Progress, Sealer, Secret,
};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver, FallbackResolver, RingResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, Error, StatelessTransportState};

/// A small text, a run of some, and as much as a record holds.
const SIZES: [usize; 3] = [64, 1024, 65_519];

fn main() {
    divan::main();
}

/// A cipher, and who implements it.
trait Implementation {
    const CIPHER: &str;

    fn resolver() -> BoxedCryptoResolver;
}

/// `snow`'s own, over `chacha20poly1305`: the key is prepared anew for each record.
struct PureChaCha;
/// `snow`'s own, over `aes-gcm`: the key is prepared anew for each record.
struct PureAes;
/// Over `chacha20poly1305`, with the key prepared once.
struct KeptChaCha;
/// Over `aes-gcm`, with the key prepared once.
struct KeptAes;
/// `ring`, as `snow` uses it.
struct RingChaCha;
/// `ring`, as `snow` uses it.
struct RingAes;

impl Implementation for PureChaCha {
    const CIPHER: &str = "ChaChaPoly";

    fn resolver() -> BoxedCryptoResolver {
        Box::new(DefaultResolver)
    }
}

impl Implementation for PureAes {
    const CIPHER: &str = "AESGCM";

    fn resolver() -> BoxedCryptoResolver {
        Box::new(DefaultResolver)
    }
}

impl Implementation for KeptChaCha {
    const CIPHER: &str = "ChaChaPoly";

    fn resolver() -> BoxedCryptoResolver {
        Box::new(KeptResolver)
    }
}

impl Implementation for KeptAes {
    const CIPHER: &str = "AESGCM";

    fn resolver() -> BoxedCryptoResolver {
        Box::new(KeptResolver)
    }
}

impl Implementation for RingChaCha {
    const CIPHER: &str = "ChaChaPoly";

    fn resolver() -> BoxedCryptoResolver {
        Box::new(FallbackResolver::new(Box::new(RingResolver), Box::new(DefaultResolver)))
    }
}

impl Implementation for RingAes {
    const CIPHER: &str = "AESGCM";

    fn resolver() -> BoxedCryptoResolver {
        RingChaCha::resolver()
    }
}

/// Ciphers that prepare a key once.
struct KeptResolver;

impl CryptoResolver for KeptResolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        None
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        match choice {
            CipherChoice::AESGCM => Some(Box::new(Kept {
                name: "AESGCM",
                cipher: Aes256Gcm::new(&[0; 32].into()),
                nonce: u64::to_be_bytes,
            })),
            CipherChoice::ChaChaPoly => Some(Box::new(Kept {
                name: "ChaChaPoly",
                cipher: ChaCha20Poly1305::new(&[0; 32].into()),
                nonce: u64::to_le_bytes,
            })),
        }
    }
}

/// A cipher with its key, and how a record's number goes into its nonce.
struct Kept<C> {
    name: &'static str,
    cipher: C,
    nonce: fn(u64) -> [u8; 8],
}

impl<C> Kept<C>
where
    C: AeadInPlace<NonceSize = aes_gcm::aead::consts::U12, TagSize = aes_gcm::aead::consts::U16>,
{
    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&(self.nonce)(number));
        nonce
    }
}

impl<C> Cipher for Kept<C>
where
    C: AeadInPlace<NonceSize = aes_gcm::aead::consts::U12, TagSize = aes_gcm::aead::consts::U16>
        + KeyInit<KeySize = aes_gcm::aead::consts::U32>
        + Send
        + Sync,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.cipher = C::new(key.into());
    }

    fn encrypt(&self, number: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (text, rest) = out.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let nonce = self.nonce(number).into();
        let tag = self.cipher.encrypt_in_place_detached(&nonce, authtext, text).expect("it is short");
        rest[..16].copy_from_slice(&tag);
        plaintext.len() + 16
    }

    fn decrypt(
        &self,
        number: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (text, tag) = ciphertext.split_at(ciphertext.len() - 16);
        let out = &mut out[..text.len()];
        out.copy_from_slice(text);
        let nonce = self.nonce(number).into();
        let opened = self.cipher.decrypt_in_place_detached(&nonce, authtext, out, tag.into());
        opened.map(|()| text.len()).map_err(|_| Error::Decrypt)
    }
}

/// Two ends whose handshake is made.
fn ends<I: Implementation>() -> [StatelessTransportState; 2] {
    let suite = format!("Noise_NNpsk0_25519_{}_SHA256", I::CIPHER);
    let builder = |ephemeral| {
        let builder = Builder::with_resolver(
            suite.parse().expect("a suite"),
            Box::new(WithFixed(ephemeral, I::resolver())),
        );
        builder.psk(0, &[1; 32]).expect("a secret")
    };
    let mut dialer = builder(2).build_initiator().expect("a dialer");
    let mut acceptor = builder(3).build_responder().expect("an acceptor");
    let mut message = [0; 48];
    dialer.write_message(&[], &mut message).expect("it is written");
    acceptor.read_message(&message, &mut []).expect("it is read");
    acceptor.write_message(&[], &mut message).expect("it is written");
    dialer.read_message(&message, &mut []).expect("it is read");
    [dialer, acceptor].map(|end| end.into_stateless_transport_mode().expect("the handshake is made"))
}

/// A random source for what is measured here: a byte, again and again.
struct Fixed(u8);

impl Random for Fixed {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        dest.fill(self.0);
        Ok(())
    }
}

/// Implementations, and such a random source.
struct WithFixed(u8, BoxedCryptoResolver);

impl CryptoResolver for WithFixed {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Fixed(self.0)))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        self.1.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        self.1.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        self.1.resolve_cipher(choice)
    }
}

#[divan::bench(types = [PureChaCha, KeptChaCha, RingChaCha, PureAes, KeptAes, RingAes], args = SIZES)]
fn seal<I: Implementation>(bencher: Bencher<'_, '_>, size: usize) {
    let [dialer, _] = ends::<I>();
    let (content, mut record) = (vec![7; size], vec![0; size + 16]);
    let number = Cell::new(0);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        number.set(number.get() + 1);
        dialer.write_message(number.get(), black_box(&content), &mut record)
    });
}

#[divan::bench(types = [PureChaCha, KeptChaCha, RingChaCha, PureAes, KeptAes, RingAes], args = SIZES)]
fn open<I: Implementation>(bencher: Bencher<'_, '_>, size: usize) {
    let [dialer, acceptor] = ends::<I>();
    let (mut content, mut record) = (vec![7; size + 16], vec![0; size + 16]);
    dialer.write_message(0, &content[..size], &mut record).expect("it is sealed");
    bencher
        .counter(BytesCount::new(size))
        .bench_local(|| acceptor.read_message(0, black_box(&record), &mut content).expect("it is opened"));
}

/// Both ends of a link, from nothing to open, with what they send.
fn meet(dialer: &Credentials, acceptor: &Credentials) -> [Sealer; 2] {
    let accepted = &mut AcceptedEphemerals::default();
    let (mut dials, first) =
        Link::dial(dialer, Ephemeral::new([2; 32]), Some(acceptor.id())).expect("a dialer");
    let mut accepts = Link::accept(acceptor, Ephemeral::new([3; 32])).expect("an acceptor");
    let mut hear = |link: &mut Link, who: &Credentials, bytes: &[u8]| -> Progress {
        link.spare()[..bytes.len()].copy_from_slice(bytes);
        link.advance(bytes.len());
        link.progress(who, accepted).expect("it is sound").expect("it is all")
    };
    let answer = hear(&mut accepts, acceptor, &first);
    let proof = hear(&mut dials, dialer, &answer.send);
    let opened = hear(&mut accepts, acceptor, &proof.send);
    [proof, opened].map(|progress| {
        let Opened { sealer, .. } = progress.opened.expect("it is open");
        sealer
    })
}

/// What both ends of a handshake cost together, with `ring` at as many of them.
#[divan::bench(args = [0, 1, 2])]
fn handshake(bencher: Bencher<'_, '_>, ring: u8) {
    let who = |number: u8| {
        let identity = Identity::from_seed([4 + number; 32]);
        let who = Credentials::private(&Secret::new([1; 16]), identity, NonZeroU64::MIN);
        if number < ring { who.with_resolver(|| Box::new(RingResolver)) } else { who }
    };
    let (dialer, acceptor) = (who(0), who(1));
    bencher.bench_local(|| meet(&dialer, &acceptor));
}

/// What an acceptor spends on a stranger.
#[divan::bench]
fn a_stranger(bencher: Bencher<'_, '_>) {
    let identity = Identity::from_seed([5; 32]);
    let who = Credentials::private(&Secret::new([1; 16]), identity, NonZeroU64::MIN);
    let accepted = &mut AcceptedEphemerals::default();
    bencher.bench_local(|| {
        let mut link = Link::accept(&who, Ephemeral::new([3; 32])).expect("an acceptor");
        link.spare()[..65].fill(3);
        link.advance(65);
        assert!(link.progress(&who, accepted).expect("it is dropped").is_none());
    });
}
