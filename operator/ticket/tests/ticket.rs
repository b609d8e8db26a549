//! Tickets that open and tickets that do not; every refusal beside the ticket that it differs from in one thing.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use p256::ecdsa::SigningKey;
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use proptest::prelude::*;
use sde_ticket::{Act, Audience, Issuer, TOKEN_MAX, Ticket, TicketError, TicketSigner, Verifier};

const NOW: u64 = 1_795_000_000;

/// A key pair, PKCS#8 and SPKI; the same for the same seed.
fn pair(seed: u8) -> (String, String) {
    let key = SigningKey::from_slice(&[seed; 32]).unwrap();
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let public = key
        .verifying_key()
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
    (private, public)
}

fn seed(issuer: Issuer) -> u8 {
    match issuer {
        Issuer::PortalRequest => 1,
        Issuer::PortalDecide => 2,
    }
}

fn signer(issuer: Issuer) -> TicketSigner {
    TicketSigner::new(issuer, &pair(seed(issuer)).0).unwrap()
}

fn verifier() -> Verifier {
    let keys = [Issuer::PortalRequest, Issuer::PortalDecide].map(|i| (i, pair(seed(i)).1));
    Verifier::new(keys.into()).unwrap()
}

fn ticket(act: Act) -> Ticket {
    Ticket {
        iss: match act {
            Act::View => Issuer::PortalDecide,
            Act::Collect | Act::Upload => Issuer::PortalRequest,
        },
        aud: Audience::Door,
        sub: "u-7c1e".into(),
        iat: NOW,
        exp: NOW + act.max_seconds(),
        jti: "0123456789abcdef0123456789abcdef".into(),
        act,
        project: "prj-4f2c".into(),
        request: "results-1".into(),
        uid: "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a".into(),
        content: if act.of_sealed() {
            format!("v1:sha256:{}", "a".repeat(64))
        } else {
            String::new()
        },
        at: "10.244.1.17:8444".parse().unwrap(),
        pod: "11111111-0b1d-4f5c-9a57-1f2e3d4c5b6a".into(),
    }
}

/// A token that its issuer's key signed over whatever is said, as a portal would that somebody else wrote.
fn signed(key: u8, header: &str, claims: &str) -> String {
    use p256::ecdsa::signature::Signer;
    let key = SigningKey::from_slice(&[key; 32]).unwrap();
    let head = URL_SAFE_NO_PAD.encode(header);
    let body = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature: p256::ecdsa::Signature = key.sign(body.as_bytes());
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

const HEADER: &str = r#"{"typ":"JWT","alg":"ES256"}"#;

#[test]
fn what_each_portal_may_sign_opens() {
    for act in [Act::Collect, Act::View, Act::Upload] {
        let ticket = ticket(act);
        let token = signer(ticket.iss).sign(&ticket).unwrap();
        for now in [NOW - 30, NOW, ticket.exp - 1] {
            assert_eq!(verifier().verify(&token, now).unwrap(), ticket);
        }
    }
}

#[test]
fn out_of_time_it_does_not_open() {
    let ticket = ticket(Act::View);
    let token = signer(ticket.iss).sign(&ticket).unwrap();
    let at = |now| verifier().verify(&token, now).unwrap_err();
    assert_eq!(at(NOW - 31), TicketError::NotYetValid);
    assert_eq!(at(0), TicketError::NotYetValid);
    assert_eq!(at(ticket.exp), TicketError::Expired);
    assert_eq!(at(u64::MAX), TicketError::Expired);
}

#[test]
fn a_portal_cannot_do_the_others_part() {
    let wrong = [
        (Issuer::PortalDecide, Act::Collect),
        (Issuer::PortalDecide, Act::Upload),
        (Issuer::PortalRequest, Act::View),
    ];
    for (iss, act) in wrong {
        let ticket = Ticket { iss, ..ticket(act) };
        let refused = TicketError::Act { issuer: iss, act };
        assert_eq!(signer(iss).sign(&ticket).unwrap_err(), refused);
        let token = signed(seed(iss), HEADER, &serde_json::to_string(&ticket).unwrap());
        assert_eq!(verifier().verify(&token, NOW).unwrap_err(), refused);
    }
    // In the other's name: not with the own key, and the own key's signature is not the other's.
    let ticket = ticket(Act::Collect);
    assert!(matches!(
        signer(Issuer::PortalDecide).sign(&ticket),
        Err(TicketError::Issuer { .. })
    ));
    let token = signed(2, HEADER, &serde_json::to_string(&ticket).unwrap());
    assert_eq!(
        verifier().verify(&token, NOW).unwrap_err(),
        TicketError::Signature
    );
}

#[test]
fn without_the_issuers_key_nothing_opens() {
    let ticket = ticket(Act::Collect);
    let token = signer(ticket.iss).sign(&ticket).unwrap();
    let decide = BTreeMap::from([(Issuer::PortalDecide, pair(2).1)]);
    let only = Verifier::new(decide).unwrap();
    assert_eq!(
        only.verify(&token, NOW).unwrap_err(),
        TicketError::UnknownIssuer(Issuer::PortalRequest)
    );
}

#[test]
fn what_no_portal_would_say_does_not_open_though_signed() {
    type Change = fn(&mut Ticket);
    let changes: [(Change, TicketError); 12] = [
        (|t| t.exp += 1, TicketError::Lifetime(600)),
        (|t| t.exp = t.iat, TicketError::Lifetime(600)),
        (|t| t.exp = 0, TicketError::Lifetime(600)),
        (|t| t.at.set_port(6443), TicketError::Address),
        (
            |t| t.at = "0.0.0.0:8444".parse().unwrap(),
            TicketError::Address,
        ),
        (|t| t.sub.clear(), TicketError::Field("user")),
        (|t| t.sub = "a\nb".into(), TicketError::Field("user")),
        (
            |t| t.content = "x".repeat(254),
            TicketError::Field("content digest"),
        ),
        (|t| t.project = "a\"b".into(), TicketError::Field("project")),
        (|t| t.request = "../x".into(), TicketError::Field("request")),
        (
            |t| t.uid = "a/b".into(),
            TicketError::Field("request's UID"),
        ),
        (|t| t.jti = "abc".into(), TicketError::Field("id")),
    ];
    for (change, refused) in changes {
        let mut ticket = ticket(Act::Collect);
        change(&mut ticket);
        assert_eq!(signer(ticket.iss).sign(&ticket).unwrap_err(), refused);
        let token = signed(1, HEADER, &serde_json::to_string(&ticket).unwrap());
        assert_eq!(verifier().verify(&token, NOW).unwrap_err(), refused);
    }
}

/// What is sealed is named, and what is not cannot be: the same ticket cannot be good for both.
#[test]
fn an_upload_names_no_content_and_all_else_does() {
    for act in [Act::Collect, Act::View, Act::Upload] {
        let good = ticket(act);
        let content = if act.of_sealed() { "" } else { "v1:sha256:aa" };
        let bad = Ticket {
            content: content.into(),
            ..good.clone()
        };
        assert!(signer(good.iss).sign(&good).is_ok(), "the control");
        let refused = TicketError::Field("content digest");
        assert_eq!(signer(bad.iss).sign(&bad).unwrap_err(), refused);
        let token = signed(seed(bad.iss), HEADER, &serde_json::to_string(&bad).unwrap());
        assert_eq!(verifier().verify(&token, NOW).unwrap_err(), refused);
    }
}

#[test]
fn no_ticket_is_good_for_longer_than_its_act_takes() {
    for (act, seconds) in [(Act::Collect, 600), (Act::View, 3600), (Act::Upload, 3600)] {
        let mut ticket = ticket(act);
        ticket.exp = ticket.iat + seconds;
        assert!(signer(ticket.iss).sign(&ticket).is_ok());
        ticket.exp += 1;
        let refused = TicketError::Lifetime(seconds);
        assert_eq!(signer(ticket.iss).sign(&ticket).unwrap_err(), refused);
    }
}

#[test]
fn claims_of_another_form_are_no_ticket() {
    let good = serde_json::to_string(&ticket(Act::Collect)).unwrap();
    assert!(verifier().verify(&signed(1, HEADER, &good), NOW).is_ok());
    let bad = [
        good.replace(r#""aud":"door""#, r#""aud":"portal""#),
        good.replace(r#""aud":"door","#, ""),
        good.replace("Collect", "Delete"),
        good.replace("portal-request", "portal"),
        good.replace("10.244.1.17:8444", "localhost:8444"),
        good.replacen('{', r#"{"role":"admin","#, 1),
        good.replacen('{', r#"{"act":"Collect","#, 1),
        String::new(),
    ];
    for claims in bad {
        assert_eq!(
            verifier().verify(&signed(1, HEADER, &claims), NOW),
            Err(TicketError::Malformed),
            "{claims}"
        );
    }
}

/// The classic: the public key, known to all, as the secret of a MAC; or no signature at all.
#[test]
fn the_token_does_not_choose_how_it_is_checked() {
    let ticket = ticket(Act::Collect);
    let claims = serde_json::to_string(&ticket).unwrap();
    let public = pair(1).1;
    let secret = EncodingKey::from_secret(public.as_bytes());
    let mac = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &ticket, &secret).unwrap();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = |alg: &str| {
        let header = format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#);
        format!("{}.{}.", part(&header), part(&claims))
    };
    let unsigned = format!("{}.{}.", part(HEADER), part(&claims));
    let (rest, real) = mac.rsplit_once('.').unwrap();
    let swapped = rest.split_once('.').unwrap().1;
    let mac_under_our_header = format!("{}.{swapped}.{real}", part(HEADER));
    let zeros = format!("{unsigned}{}", URL_SAFE_NO_PAD.encode([0; 64]));
    let other_headers = [
        r#"{"alg":"ES256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"ES256","kid":"x"}"#,
        r#"{"typ":"JWT","alg":"ES256","jwk":{}}"#,
    ]
    .map(|header| signed(1, header, &claims));
    let tokens = [
        mac,
        none("none"),
        none("None"),
        unsigned,
        mac_under_our_header,
        zeros,
    ];
    for token in tokens.iter().chain(&other_headers) {
        assert!(verifier().verify(token, NOW).is_err(), "{token}");
    }
}

#[test]
fn another_implementation_reads_it() {
    let ticket = ticket(Act::View);
    let token = signer(ticket.iss).sign(&ticket).unwrap();
    let key = DecodingKey::from_ec_pem(pair(2).1.as_bytes()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["door"]);
    validation.validate_exp = false;
    let read = jsonwebtoken::decode::<Ticket>(&token, &key, &validation).unwrap();
    assert_eq!(read.claims, ticket);
}

#[test]
fn keys_of_another_form_are_refused_and_a_signer_never_shows_its_own() {
    let (private, public) = pair(1);
    assert!(TicketSigner::new(Issuer::PortalRequest, &public).is_err());
    for pem in [private.as_str(), "", "x"] {
        let keys = BTreeMap::from([(Issuer::PortalDecide, pem.to_owned())]);
        assert_eq!(
            Verifier::new(keys).unwrap_err(),
            TicketError::PublicKey(Issuer::PortalDecide)
        );
    }
    let shown = format!("{:?}", signer(Issuer::PortalRequest));
    assert_eq!(shown, "TicketSigner(portal-request)");
}

#[test]
fn the_longest_ticket_fits_a_token() {
    let mut longest = ticket(Act::View);
    longest.sub = "\u{65e5}".repeat(84);
    longest.project = "p".repeat(253);
    longest.request = "r".repeat(253);
    longest.uid = "a".repeat(253);
    longest.pod = "a".repeat(253);
    longest.content = "\"".repeat(253);
    longest.at = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:8444"
        .parse()
        .unwrap();
    let token = signer(longest.iss).sign(&longest).unwrap();
    assert!(token.len() <= TOKEN_MAX);
    assert_eq!(verifier().verify(&token, NOW).unwrap(), longest);
    assert!(verifier().verify(&"a".repeat(TOKEN_MAX + 1), NOW).is_err());
}

proptest! {
    // Unoptimised, each signature and each check takes milliseconds.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_changed_byte_is_refused(at in 0_usize..4000, to in any::<u8>()) {
        let ticket = ticket(Act::Collect);
        let token = signer(ticket.iss).sign(&ticket).unwrap();
        prop_assert!(verifier().verify(&token, NOW).is_ok());
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(changed) = String::from_utf8(bytes)
            && changed != token
        {
            prop_assert!(verifier().verify(&changed, NOW).is_err());
        }
    }

    #[test]
    fn cut_or_lengthened_it_is_refused(at in 0_usize..4000, more in "[A-Za-z0-9._-]{1,8}") {
        let ticket = ticket(Act::Collect);
        let token = signer(ticket.iss).sign(&ticket).unwrap();
        prop_assert!(verifier().verify(&token[..at % token.len()], NOW).is_err());
        let longer = format!("{}{}", token, more);
        prop_assert!(verifier().verify(&longer, NOW).is_err());
    }

    #[test]
    fn anything_is_read_without_a_panic(token in "\\PC*") {
        prop_assert!(verifier().verify(&token, NOW).is_err());
    }

    #[test]
    fn what_is_signed_is_what_is_read(
        sub in "[a-z][a-z0-9@._-]{0,60}",
        request in "[a-z][a-z0-9-]{0,50}",
        jti in any::<u128>(),
        address in any::<[u8; 4]>().prop_filter("a pod's", |a| a[0] > 0 && a[0] < 224),
        life in 1_u64..=3600,
    ) {
        let mut wanted = ticket(Act::View);
        wanted.sub = sub;
        wanted.request = request;
        wanted.jti = format!("{jti:032x}");
        wanted.at.set_ip(address.into());
        wanted.exp = wanted.iat + life;
        let token = signer(wanted.iss).sign(&wanted).unwrap();
        prop_assert_eq!(verifier().verify(&token, NOW).unwrap(), wanted);
    }
}
