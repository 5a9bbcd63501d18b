//! TLS towards mail servers, PostgreSQL and the Bot API: the system's certificate authorities, or one of the operator's own; or
//! any certificate, where it is only looked at or not asked for.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate authority is unreadable.
    #[error("certificat de l’autorité illisible : {0}")]
    Authority(String),
    /// The library refuses to start.
    #[error("TLS : {0}")]
    Library(#[from] rustls::Error),
}

/// What a connection trusts: the system's authorities, or those of the PEM text `authority` in their place.
///
/// # Errors
/// The text holds no certificate, or the library does not start.
pub fn client(authority: Option<&[u8]>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = match authority {
        None => builder.with_platform_verifier()?.with_no_client_auth(),
        Some(pem) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|e| TlsError::Authority(e.to_string()))?)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

/// What a connection trusts where any certificate will do: it protects against those who listen, not against those who answer.
///
/// # Errors
/// The library does not start.
pub fn unchecked() -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?.dangerous();
    Ok(Arc::new(builder.with_custom_certificate_verifier(Arc::new(Unchecked(provider))).with_no_client_auth()))
}

/// Why a server's certificate was refused, in words to act on.
#[must_use]
pub fn refusal(why: &impl std::fmt::Display) -> String {
    let why = why.to_string();
    let known = [
        (
            "CaUsedAsEndEntity",
            "son certificat est celui d’une autorité : faites-en signer un par elle pour le serveur (CA:FALSE)",
        ),
        ("UnknownIssuer", "aucune autorité connue n’a signé son certificat : donnez la sienne par ca_file"),
        ("NotValidForName", "son certificat est celui d’un autre nom : écrivez host comme lui"),
        ("Expired", "son certificat est périmé : renouvelez-le"),
        ("NotValidYet", "son certificat n’est pas encore valable : l’horloge est-elle à l’heure ?"),
    ];
    known.into_iter().find(|(word, _)| why.contains(word)).map_or(why, |(_, said)| said.to_owned())
}

/// Takes any certificate.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_certificate_is_told_with_what_to_do() {
        let other =
            rustls::CertificateError::Other(rustls::OtherError(Arc::new(std::io::Error::other("CaUsedAsEndEntity"))));
        for (error, said) in [
            (rustls::CertificateError::UnknownIssuer, "ca_file"),
            (rustls::CertificateError::NotValidForName, "autre nom"),
            (rustls::CertificateError::Expired, "périmé"),
            (other, "CA:FALSE"),
        ] {
            let told = refusal(&rustls::Error::InvalidCertificate(error));
            assert!(told.contains(said), "{told}");
        }
        assert_eq!(refusal(&"poignée de main coupée"), "poignée de main coupée");
    }
}
