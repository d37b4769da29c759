//! AWS Lambda behind an API Gateway HTTP API, played by this process: the SAM template says what there is.
#![cfg_attr(not(test), expect(dead_code, reason = "the sandboxes that use these parts follow"))]

mod hop_by_hop;
mod http_answer;
mod http_event;
mod router;
mod template;
