//! Signing requests in a name: what somebody sends to have themselves certified as somebody else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair};

/// A PKCS #10 request for `name` with a key that is thrown away, in base64 as the API takes it.
///
/// # Errors
/// When the system has no randomness, or `name` cannot be encoded.
pub fn request(name: &str) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(STANDARD.encode(params.serialize_request(&key)?.pem()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_request_in_pem() {
        let pem = STANDARD.decode(request("system:serviceaccount:a:b").unwrap());
        let pem = String::from_utf8(pem.unwrap()).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    }
}
