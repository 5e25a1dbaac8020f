// Package notify tells people and programs what became of routes: by signed
// webhooks as Standard Webhooks describes them (standardwebhooks.com), and by text
// as Slack and its like take it.
//
// The history is its queue: each webhook has a place in it up to which everything
// was delivered. So nothing waits for a receiver, nothing is lost when a router
// dies, and what is sent twice has the same id twice.
package notify
