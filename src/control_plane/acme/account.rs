//! The account with the authority: made at the first order, and kept.

use std::io;

use instant_acme::{Account, AccountCredentials, NewAccount};

use super::{client::AcmeClient, files::AcmeFiles, order::Failure};
use crate::{base::HttpUrl, config};

/// The account that is on file, or a new one, which is on file before it is used.
pub(super) async fn open(
    config: &config::Acme,
    server: &HttpUrl,
    files: &AcmeFiles,
    client: &AcmeClient,
) -> Result<Account, Failure> {
    let server = server.to_string();
    let builder = || Account::builder_with_http(Box::new(client.clone()));
    let on_file = |error: io::Error| Failure::Authority(format!("the account in acme.dir: {error}"));
    if let Some(text) = files.account(&server).map_err(on_file)? {
        let credentials: AccountCredentials = serde_json::from_str(&text).map_err(|error| {
            Failure::Authority(format!("the account in acme.dir cannot be read: {error}; put it back from a backup"))
        })?;
        return builder().from_credentials(credentials).await.map_err(|error| Failure::of(&error));
    }
    let contact: Vec<&str> = config.contact.iter().map(String::as_str).collect();
    // Without the operator's word in the configuration there is no server, and nobody comes here.
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) =
        builder().create(&new, server.clone(), None).await.map_err(|error| Failure::of(&error))?;
    let text = serde_json::to_string(&credentials).map_err(|error| on_file(error.into()))?;
    files.put_account(&server, &text).map_err(on_file)?;
    tracing::info!(account = account.id(), "an account was made with the authority of certificates");
    Ok(account)
}
