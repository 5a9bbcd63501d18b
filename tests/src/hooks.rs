//! Doubles of tools that take messages by a webhook: they keep what they were sent, and answer as they are told, path by path.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::service::Outcome;

/// How a path answers.
#[derive(Debug, Clone)]
pub enum Does {
    /// With this status and these words.
    Says(u16, &'static str),
    /// Leads there.
    Redirects(String),
    /// Takes the message and never answers.
    Hangs,
}

/// What a path was sent.
#[derive(Debug, Clone)]
pub struct Taken {
    pub path: String,
    /// Headers of Standard Webhooks: identifier, timestamp, signature; empty where there are none.
    pub signed: [String; 3],
    pub body: String,
    /// The same, byte for byte, and all that stood before it.
    pub bytes: Bytes,
    pub headers: HeaderMap,
}

#[derive(Debug, Default)]
struct Kept {
    does: HashMap<String, Does>,
    taken: Vec<Taken>,
}

/// A server of such tools.
#[derive(Debug)]
pub struct Tools {
    /// Its address, without a slash at the end.
    pub base: String,
    kept: Arc<Mutex<Kept>>,
    served: tokio::task::JoinHandle<()>,
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn take(State(kept): State<Arc<Mutex<Kept>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let does = {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.taken.push(Taken {
            path: uri.path().to_owned(),
            signed: [text("webhook-id"), text("webhook-timestamp"), text("webhook-signature")],
            body: String::from_utf8_lossy(&body).into_owned(),
            bytes: body.clone(),
            headers: headers.clone(),
        });
        kept.does.get(uri.path()).cloned().unwrap_or(Does::Says(200, "ok"))
    };
    match does {
        Does::Says(status, words) => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT), words).into_response()
        }
        Does::Redirects(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Does::Hangs => std::future::pending().await,
    }
}

impl Tools {
    /// Serves them.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Outcome<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&kept));
        let served = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base, kept, served })
    }

    /// How a path answers from now on.
    pub fn does(&self, path: &str, does: Does) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).does.insert(path.to_owned(), does);
    }

    /// What was taken so far, by all paths.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).taken.clone()
    }

    /// What one path took.
    #[must_use]
    pub fn at(&self, path: &str) -> Vec<Taken> {
        self.taken().into_iter().filter(|t| t.path == path).collect()
    }
}
