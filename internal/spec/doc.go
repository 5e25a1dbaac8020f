// Package spec is what people write: backends, groups, webhooks and routes; how they are
// read from YAML, checked as a whole, merged, compared, digested, and turned
// into what routing, guard and rollout work with.
package spec
