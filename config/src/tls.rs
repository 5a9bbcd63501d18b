//! TLS towards mail servers and the Bot API: the system's certificate authorities, or one of the operator's own.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
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
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
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
