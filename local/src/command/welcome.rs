//! What `local run` prints when everything answers.

use super::say;
use crate::name::Name;
use crate::system::System;

pub(super) fn print(system: &System) {
    say("");
    for server in system.servers() {
        say(format!("{:23} {}", server.name(), server.public_url()));
    }
    say("");
    let runs = |name| system.servers().iter().any(|server| server.name() == name);
    let addresses = system.addresses();
    if runs(Name::Api) {
        say(format!(
            "place a bid  curl -X POST {}/api/v1/items/item_1/bid -H 'Content-Type: application/json' -d \
             '{{\"user_id\":\"alice\",\"amount\":100.01}}'",
            addresses.api_url()
        ));
    }
    if runs(Name::Broadcast) {
        say(format!("watch it     {}/ws/items/item_1", addresses.relay_url()));
    }
    if runs(Name::Postgres) {
        let (ip, port) = (addresses.postgres.ip(), addresses.postgres.port());
        say(format!("count them   psql -h {ip} -p {port} -U bidding -d bidding -c 'SELECT COUNT(*) FROM bids'"));
    }
    say("break it     local kill nats, local pause redis, …; local status, local logs, local stop");
    say("stop it      Ctrl-C");
}
