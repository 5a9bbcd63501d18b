//! A form with files, posted by a signed-in person from one of our pages. Who posts is known before a byte of it is read; what is
//! longer than [`MAX_UPLOAD`] is refused.

use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::response::{IntoResponse, Response};
use vigie_service::leads::{File, MAX_FILE, MAX_FILES};

use super::cookies::Session;
use super::frame::{Fields, SignedIn, Trouble, Visitor};

/// Longest form with files, in bytes.
pub(crate) const MAX_UPLOAD: usize = 12 * 1024 * 1024;
/// Longest field that is no file, in bytes, and most fields.
const MAX_FIELD: usize = 64 * 1024;
const MAX_FIELDS: usize = 64;

/// What a form of a lead may hold; one file more than is kept tells that there are too many.
const OF_LEADS: Bounds = Bounds { files: MAX_FILES as usize + 1, file: MAX_FILE, whole: MAX_UPLOAD };

/// The form: its token is checked.
pub(crate) struct Uploaded {
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
    pub(crate) fields: Fields,
    pub(crate) files: Vec<File>,
}

impl<S: Send + Sync> FromRequest<S> for Uploaded {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let SignedIn { visitor, session } = SignedIn::from_request_parts(&mut parts, state).await?;
        let (fields, files) =
            read(Request::from_parts(parts, body), state, OF_LEADS).await.map_err(IntoResponse::into_response)?;
        session.posted(&fields).map_err(IntoResponse::into_response)?;
        Ok(Self { visitor, session, fields, files })
    }
}

/// What a form with files may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Most files.
    pub(crate) files: usize,
    /// Longest file, in bytes; one byte more is kept of a longer one, which tells that it is.
    pub(crate) file: usize,
    /// Longest form, in bytes, as it is said.
    pub(crate) whole: usize,
}

/// Reads a form with files.
pub(crate) async fn read<S: Send + Sync>(
    request: Request,
    state: &S,
    bounds: Bounds,
) -> Result<(Fields, Vec<File>), Trouble> {
    let megabytes = bounds.whole / 1_048_576;
    let unreadable = || {
        Trouble::bad(format!(
            "Le formulaire est illisible, ou trop lourd : {megabytes}\u{a0}Mo au plus, pièces comprises."
        ))
    };
    let mut form = Multipart::from_request(request, state).await.map_err(|_| unreadable())?;
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    while let Some(part) = form.next_field().await.map_err(|_| unreadable())? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|_| unreadable())?;
        match file {
            // A field for files that was left empty.
            Some(file) if file.is_empty() && bytes.is_empty() => {}
            Some(name) => {
                if files.len() >= bounds.files {
                    return Err(Trouble::bad(format!("{} pièces jointes au plus.", bounds.files)));
                }
                files.push(File { name, content: bytes[..bytes.len().min(bounds.file + 1)].to_vec() });
            }
            None => {
                if bytes.len() > MAX_FIELD || fields.len() >= MAX_FIELDS {
                    return Err(unreadable());
                }
                fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    Ok((Fields::of(fields), files))
}
