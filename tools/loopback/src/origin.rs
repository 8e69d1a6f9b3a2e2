//! Checks the host that a request is addressed to, and whether a browser sent it on behalf of a page.
//!
//! A page cannot choose `Host`, `Origin` and `Sec-Fetch-Site`; the browser sets them. A name that an attacker owns and
//! points at 127.0.0.1 shows in `Host`. Every other page shows in `Origin` or, for requests without one (an image, a
//! script), in `Sec-Fetch-Site`.
//!
//! Source: [`Origin` header](https://fetch.spec.whatwg.org/#origin-header) (Fetch Standard);
//! [`Sec-Fetch-Site`](https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header) (Fetch Metadata Request Headers).

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, Uri};

/// Who may send requests to a server, besides programs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Callers {
    /// The name of a bucket may come before `localhost`, as for S3.
    pub bucket_hosts: bool,
    /// The server's own pages may load from it.
    pub own_pages: bool,
}

/// Refuses requests that are not addressed to this machine, or that a foreign page sent.
///
/// # Errors
/// Why the request is refused; the response has status 403.
pub fn check(callers: Callers, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
    let refused = Err::<(), String>;
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        (None, _) => return refused("the request has no Host header".to_owned()),
        _ => return refused("the request has more than one Host header".to_owned()),
    };
    // A target such as `http://name/path` takes precedence over Host. A service may read either, so both must be ours.
    let authority = uri.authority().map(http::uri::Authority::as_str);
    for name in [Some(host), authority].into_iter().flatten() {
        if !is_loopback(name, callers) {
            return refused(format!(
                "the request is addressed to {name:?}; this server answers only to localhost, 127.0.0.1 and [::1]"
            ));
        }
    }
    if *method == Method::OPTIONS {
        return refused(
            "OPTIONS is a browser's preflight request; pages in a browser are not served".to_owned(),
        );
    }
    // Scripts that are modules are loaded with an Origin, also from the page's own server.
    let own = format!("http://{host}");
    let is_own = |origin: &http::HeaderValue| callers.own_pages && origin == own.as_str();
    if !headers.get_all(ORIGIN).iter().all(is_own) {
        return refused("the request has an Origin header: pages in a browser are not served".to_owned());
    }
    let is_ours = |site: &http::HeaderValue| site == "none" || (callers.own_pages && site == "same-origin");
    if !headers.get_all("sec-fetch-site").iter().all(is_ours) {
        return refused(if callers.own_pages {
            "a page of another site sent the request; open the address in a new tab instead".to_owned()
        } else {
            "the request has a Sec-Fetch-Site header: pages in a browser are not served".to_owned()
        });
    }
    Ok(())
}

/// Whether a host, with or without a port, is a name of this machine that nobody else can own.
fn is_loopback(host: &str, callers: Callers) -> bool {
    let (name, port) = match host.strip_prefix("[::1]") {
        Some(port) => ("[::1]", port),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    // S3 hosts may begin with the name of a bucket.
    let bucket = || name.strip_suffix(".localhost").filter(|_| callers.bucket_hosts);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name.as_str())
        || bucket().is_some_and(|bucket| bucket.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const OTHER: Callers = Callers { bucket_hosts: false, own_pages: false };
    const S3: Callers = Callers { bucket_hosts: true, own_pages: false };
    const PAGE: Callers = Callers { bucket_hosts: false, own_pages: true };

    fn refusal(callers: Callers, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        check(callers, request.method(), request.uri(), request.headers()).err()
    }

    #[test]
    fn only_loopback_hosts_are_accepted() {
        for host in ["localhost", "localhost:8000", "LocalHost:1", "127.0.0.1:65535", "[::1]", "[::1]:80"] {
            for callers in [OTHER, S3, PAGE] {
                assert_eq!(refusal(callers, "/", &[("host", host)]), None, "{host}");
            }
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "localhost.",
            "127.0.0.2",
            "0.0.0.0",
            "[::1]x",
            "[::1]:x",
            "[::]",
            "::1",
            "user@localhost",
            "localhost:80@example.com",
            "localhost:8 0",
        ] {
            assert!(refusal(S3, "/", &[("host", host)]).is_some(), "{host}");
        }
    }

    #[test]
    fn a_bucket_may_be_part_of_the_host_for_s3_only() {
        for host in ["lake.localhost:9000", "lake.s3.localhost", "my.lake.s3.localhost:1"] {
            assert_eq!(refusal(S3, "/", &[("host", host)]), None, "{host}");
            assert!(refusal(OTHER, "/", &[("host", host)]).is_some(), "{host}");
        }
        for host in [".localhost", "a..localhost", "evil.com/.localhost", "xlocalhost"] {
            assert!(refusal(S3, "/", &[("host", host)]).is_some(), "{host}");
        }
    }

    #[test]
    fn one_host_header_is_required_and_an_absolute_target_must_be_loopback_too() {
        assert!(refusal(S3, "/", &[]).unwrap().contains("no Host"));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert!(refusal(S3, "/", &twice).unwrap().contains("more than one Host"));
        let ours = [("host", "localhost")];
        assert!(refusal(S3, "http://example.com/", &ours).unwrap().contains("example.com"));
        assert_eq!(refusal(S3, "http://127.0.0.1:1/", &ours), None);
    }

    #[test]
    fn requests_from_a_page_are_refused() {
        for origin in ["https://example.com", "null", "http://localhost"] {
            assert!(refusal(S3, "/", &[("host", "localhost"), ("origin", origin)]).is_some());
        }
        for site in ["cross-site", "same-site", "same-origin", ""] {
            assert!(refusal(S3, "/", &[("host", "localhost"), ("sec-fetch-site", site)]).is_some());
        }
        // A server with pages serves them, but no other page, whatever name it has for this machine.
        for site in ["same-origin", "none"] {
            let own = [("host", "127.0.0.1:1"), ("sec-fetch-site", site)];
            assert_eq!(refusal(PAGE, "/", &own), None, "{site}");
            assert!(refusal(PAGE, "/", &[("host", "example.com"), ("sec-fetch-site", site)]).is_some());
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(refusal(PAGE, "/", &[("host", "localhost"), ("sec-fetch-site", site)]).is_some());
        }
        let with_origin = |origin| refusal(PAGE, "/", &[("host", "localhost:81"), ("origin", origin)]);
        assert_eq!(with_origin("http://localhost:81"), None);
        for origin in
            ["http://localhost", "http://127.0.0.1:81", "https://localhost:81", "http://localhost:82", "null"]
        {
            assert!(with_origin(origin).is_some(), "{origin}");
        }
        let typed = [("host", "localhost"), ("sec-fetch-site", "none")];
        assert_eq!(refusal(S3, "/", &typed), None);
        let (uri, headers) =
            (Uri::from_static("/"), [(HOST, "localhost".parse().unwrap())].into_iter().collect());
        assert!(check(S3, &Method::OPTIONS, &uri, &headers).is_err());
    }
}
