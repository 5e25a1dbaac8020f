// Package telemetry tells the outside what the router did: metrics in the
// Prometheus formats, and an access log of one JSON object per line. Both read
// a finished exchange, and neither can slow or fail the next one.
package telemetry
