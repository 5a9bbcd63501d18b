//! The certificate authorities that clients of the web trust: the system's, read when the first certificate is to be verified. There
//! are hundreds of them, and a pass over sources that bring nothing, or that are asked without TLS, verifies none.
//!
//! On failure: where they cannot be read the connection fails, and the next one tries again.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// How clients of the web speak TLS.
///
/// # Errors
/// The library does not start.
pub(super) fn of_the_system() -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?.dangerous();
    let verifier = Arc::new(AtFirstUse { provider, system: OnceLock::new() });
    let mut config = builder.with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The system's verifier, made when it is first asked.
#[derive(Debug)]
struct AtFirstUse {
    provider: Arc<CryptoProvider>,
    system: OnceLock<Verifier>,
}

impl AtFirstUse {
    fn system(&self) -> Result<&Verifier, Error> {
        match self.system.get() {
            Some(verifier) => Ok(verifier),
            None => {
                let verifier = Verifier::new(Arc::clone(&self.provider))?;
                Ok(self.system.get_or_init(|| verifier))
            }
        }
    }
}

impl ServerCertVerifier for AtFirstUse {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.system()?.verify_server_cert(certificate, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system()?.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system()?.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_read_when_a_certificate_comes_and_trust_no_stranger() {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = AtFirstUse { provider, system: OnceLock::new() };
        assert!(!verifier.supported_verify_schemes().is_empty() && verifier.system.get().is_none());
        let (certificate, name) = (CertificateDer::from(vec![0]), ServerName::try_from("a.example").unwrap());
        assert!(verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()).is_err());
        assert!(verifier.system.get().is_some());
        let config = of_the_system().unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
