// Package exchange is the pure core of one request on its way through the data
// plane. It does no I/O and knows no HTTP library: told what has happened, it
// says what comes next, and a driver (package proxy) obeys.
//
// One Exchange value is filled in on the way; log, metrics and traces read it.
package exchange
