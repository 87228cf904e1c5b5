//! All flights, byte by byte. The expected bytes come from other implementations: `noiseprotocol` 0.3.1, `cryptography`
//! and `blake3` for Python.

use super::*;
use crate::secure::Secret;
use data_encoding::HEXLOWER;

fn bytes(digits: &str) -> Vec<u8> {
    HEXLOWER.decode(digits.as_bytes()).unwrap()
}

/// A dial to a member of the private room with the secret 00 01 .. 0f, and a record each way.
const TO_A_MEMBER: [&str; 5] = [
    "037b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b142187a38cd5a68eabe1c2c99a4841f6afdf4d1a4fbbe545996f2a93f1b08a548b",
    "ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6b8d654fd460298d85e72f362c928e71d70078c4062ef10ca2c91eefd3f7ef52546b343b37e01dd66c10f6283a1d5472d26f1f64976624697d0a57e401bbf95b34e9ec9be10e132cf3606e232ad5ef33b85c7d19dd0106b556dda3b54bddf1c22cdb57941d383222bc5a90443e3dd9153b231d3e070f2fadccf2466fb124c633f54320f5144e6ea44fc1e7",
    "007837b9ebb27f872e32b92001202262de538491b9ccb498f75e427fa2dbc563b8b9c50080ea5446b0828f4904bc4eb2bd700931b222e2fb9fd751fb0a51d109a43e218fba624d18ce1897135f7f1fb79d1eeb280eb715a683421d7c0d93669d6714b280306ed2a16c33fac0fb7f1ef7879ec08a41082b2e81aa",
    "0025b7272274e68c4dc55175193e2f75660ae0b08dd3558d5fcbb93221efcb06d0b318f29ec373",
    "0027be2cf13049f2c33e8fd4d81c327051189937983310ccd51be695f59e872b5eb2481704fe4d6925",
];

/// A dial to a contact of an open room, and a record each way.
const TO_A_CONTACT: [&str; 5] = [
    "037b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b14a2898fd6a380644741fd9c9788ff3efcb0e98a7dfa2ed03e71f98fc0ad0ec25e",
    "ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6be2912cb5c61fbdf7da98e5816e074639007850e453cca89ca7df95463aebe87e8d7c52b91c0f24f8b56e83825364750204f8614cf13935d2635df287fb7a56be1cb11481153d6df9cb049c70f52f239e6d7ff21cfcd24398a1f7c86ae44ba70aa625f2acb9c492cb28661b1f0315f01bdfdf4c4fb8629e9fa207c29d886be3f6cd558e5c2857408a41f9",
    "007838f775d33c2b3add01cd2542438048a67b14f42700417c799ee99986950c1c9f67e46a612021f3398ad47eb4e721216d5ef090a36a8166cfe5b5c2406043f79aeaaab1fb76570b5263b3371a2dea4ffc466cd0913a6f9aeb6051ab112e07d9cad5834f035eb77775023a40c59b1a4097932f24c6a66e5c18",
    "0025bef9df6e37ee30f0b30fa85fd375857c3e118eee62376b08c2823d25b2b4c8c1be39c70700",
    "00278d368f014927472d576c2e3743f35b6b8b69d8780c02b0d326d1cc7f507e9347871f11947fa616",
];

fn hold(credentials: impl Fn(Identity, NonZeroU64) -> Credentials, by_id: bool, flights: [&str; 5]) {
    let who = |seed, incarnation| {
        credentials(Identity::from_seed([seed; 32]), NonZeroU64::new(incarnation).unwrap())
    };
    let (dialer, acceptor) = (who(0x11, 0x0102_0304_0506_0708), who(0x22, 0xf1f2_f3f4_f5f6_f7f8));
    let (came, [mut dialer, mut acceptor]) = met(&dialer, &acceptor, by_id.then_some(acceptor.id()));
    let said = [dialer.says(b"hello from the dialer"), acceptor.says(b"hello from the acceptor")];
    let came: Vec<Vec<u8>> = came.into_iter().chain(said).collect();
    assert_eq!(came, flights.map(bytes));
    let lengths: Vec<usize> = came.iter().map(Vec::len).collect();
    assert_eq!(lengths[..3], [65, 170, 122]);
}

#[test]
fn a_dial_to_a_member_of_a_private_room() {
    let secret = Secret::new(core::array::from_fn(|at| u8::try_from(at).unwrap()));
    hold(|identity, life| Credentials::private(&secret, identity, life), true, TO_A_MEMBER);
}

#[test]
fn a_dial_to_a_contact_of_an_open_room() {
    hold(Credentials::open, false, TO_A_CONTACT);
}
