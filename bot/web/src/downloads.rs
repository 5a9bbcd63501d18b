//! Files that are given to be kept, never to be shown: whatever they hold, no browser runs it on behalf of these pages.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// DOCX.
pub(crate) const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// Bytes of whatever kind.
pub(crate) const BYTES: &str = "application/octet-stream";

/// A file to be kept under a name.
pub(crate) fn download(kind: &'static str, name: &str, content: Vec<u8>) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{}", extended(name)));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    ];
    (headers, content).into_response()
}

/// A name as RFC 8187 writes it in a header.
fn extended(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_under_its_name_and_runs_nowhere() {
        let given = download(BYTES, "pièce \"1\"\r\n.zip", vec![1]);
        let header = |name| given.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!(header(header::CONTENT_DISPOSITION), "attachment; filename*=UTF-8''pi%C3%A8ce%20%221%22%0D%0A.zip");
        assert!(header(header::CONTENT_SECURITY_POLICY).starts_with("sandbox"));
        assert_eq!(header(header::CONTENT_TYPE), BYTES);
    }
}
