//! What is encrypted here is what the other environment reads, and nobody else.

use proptest::prelude::*;

use super::reader::Environment;
use super::*;

/// Of `GOLDEN`: the bytes 1 to 32.
fn golden_environment() -> Environment {
    let mut secret = [0; 32];
    for (byte, number) in secret.iter_mut().zip(1..) {
        *byte = number;
    }
    Environment::of(secret)
}

/// `##fileformat=VCFv4.2` and a newline, by GA4GH's crypt4gh 1.8.6 (PyPI): `encrypt([(0, writer, reader)], input, output)`.
const GOLDEN: &str = "637279707434676801000000010000006c000000000000005714769d116bf76436ae74bc793d2c30ad1903c59ac5273805c7e2698b410c36ab35fbae26a4b262d48bb7bf2babce1c11b7e087f6d07c952c57efc3dbbdfb5a1f6278da4168b8f7498db369098b9b5f37d4a6b993a6015f3593435ed73cc3612ba59a4ef4f959bc8d1973589cd710dfa1a0b272694c8294cb1a1de7c15e2fbcf33142c7e9582adca1b3ed228c52588ae14347cf60";

const FORMS: [Form; 2] = [Form::Crypt4gh, Form::Age];

/// Writes `plain` in pieces of `piece` bytes.
fn encrypted(keys: &SdeKeys, form: Form, plain: &[u8], piece: usize) -> Vec<u8> {
    let recipient = Recipient::of(keys).expect("keys");
    let mut writer = recipient.encrypting(form, Vec::new()).expect("header");
    for piece in plain.chunks(piece) {
        writer.write_all(piece).expect("written");
    }
    writer.finish().expect("finished")
}

#[test]
fn our_reader_reads_the_reference_implementation() {
    let golden = hex::decode(GOLDEN).expect("hex");
    let environment = golden_environment();
    assert_eq!(
        environment.keys().crypt4gh,
        "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw="
    );
    let plain = environment.open(Form::Crypt4gh, &golden);
    assert_eq!(plain.as_deref(), Some(&b"##fileformat=VCFv4.2\n"[..]));
    for at in [16, 100, golden.len() - 1] {
        let mut broken = golden.clone();
        broken[at] ^= 1;
        assert_eq!(environment.open(Form::Crypt4gh, &broken), None, "{at}");
    }
}

#[test]
fn sizes_are_those_of_the_standards() {
    let environment = Environment::new();
    for (plain, segments) in [(0, 0), (1, 1), (65_536, 1), (65_537, 2), (131_072, 2)] {
        let bytes = encrypted(&environment.keys(), Form::Crypt4gh, &vec![7; plain], 1000);
        assert_eq!(bytes.len(), 124 + plain + segments * 28, "{plain}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_written_is_what_is_read(
        size in prop_oneof![
            Just(0_usize), Just(1), Just(65_535), Just(65_536), Just(65_537), Just(131_072), 0..200_000_usize,
        ],
        piece in prop_oneof![1000..200_000_usize, Just(65_536), Just(28)],
        seed in any::<u8>(),
    ) {
        let plain: Vec<u8> = (0..size).map(|n| (n % 251) as u8 ^ seed).collect();
        let (environment, other) = (Environment::new(), Environment::new());
        for form in FORMS {
            let bytes = encrypted(&environment.keys(), form, &plain, piece);
            prop_assert_eq!(environment.open(form, &bytes), Some(plain.clone()));
            prop_assert_eq!(other.open(form, &bytes), None);
            if size >= 16 {
                prop_assert!(!bytes.windows(16).any(|w| w == &plain[..16]));
            }
        }
    }
}

#[test]
fn nothing_is_encrypted_twice_with_the_same() {
    let environment = Environment::new();
    for form in FORMS {
        let [a, b] = [(); 2].map(|()| encrypted(&environment.keys(), form, &[0; 70_000], 70_000));
        assert_ne!(a[..124], b[..124], "keys");
        assert_ne!(a[a.len() - 4000..], b[b.len() - 4000..], "content");
    }
}

#[test]
fn what_is_changed_or_cut_is_not_read() {
    let environment = Environment::new();
    for form in FORMS {
        let bytes = encrypted(&environment.keys(), form, &[7; 70_000], 70_000);
        assert!(environment.open(form, &bytes).is_some());
        for at in [40, 120, 1000, bytes.len() - 1] {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert_eq!(environment.open(form, &broken), None, "{form:?} {at}");
        }
        let cut = &bytes[..bytes.len() - 1];
        assert_eq!(environment.open(form, cut), None, "{form:?}");
    }
}

/// X25519 points of small order, and others that are read as them (<https://cr.yp.to/ecdh.html#validate>).
const SMALL: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn keys_that_everybody_could_read_are_none() {
    let good = Environment::new().keys();
    assert!(Recipient::of(&good).is_ok());
    let refused = |keys: SdeKeys| {
        let refused = Recipient::of(&keys).err();
        assert!(matches!(refused, Some(JobError::Unable(_))), "{keys:?}");
    };
    for small in SMALL {
        let bytes = hex::decode(small).expect("hex");
        refused(SdeKeys {
            crypt4gh: STANDARD.encode(&bytes),
            ..good.clone()
        });
        let hrp = bech32::Hrp::parse("age").expect("prefix");
        refused(SdeKeys {
            age: bech32::encode::<bech32::Bech32>(hrp, &bytes).expect("bech32"),
            ..good.clone()
        });
    }
    let mut typo = good.age.clone();
    typo.pop();
    for age in [typo, String::new(), good.crypt4gh.clone()] {
        refused(SdeKeys {
            age,
            ..good.clone()
        });
    }
    for crypt4gh in ["", "AAAA", "no base64!", &good.age] {
        refused(SdeKeys {
            crypt4gh: crypt4gh.to_owned(),
            ..good.clone()
        });
    }
}

#[test]
fn a_failing_output_fails() {
    /// Takes so many bytes.
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let recipient = Recipient::of(&Environment::new().keys()).expect("keys");
    for form in FORMS {
        let into = |room| -> io::Result<()> {
            let mut writer = recipient.encrypting(form, Full(room))?;
            writer.write_all(&[7; 70_000])?;
            writer.finish().map(drop)
        };
        assert!(into(80_000).is_ok());
        for room in [0, 100, 5000, 70_000] {
            assert!(into(room).is_err(), "{form:?} {room}");
        }
    }
}
