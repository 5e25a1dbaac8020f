// Package demo is a small shop, old and new, and its visitors: something real
// to put a router in front of, without installing anything.
//
// The legacy shop has everything an old monolith has: pages, a JSON API, a
// login, a slow report, a feed, a WebSocket, uploads. The new shop is another
// team's implementation of its catalogue and of reading orders. Both work on
// one set of Books, as two systems share a database during a migration.
//
// The new shop differs from the old one in two ways that matter: the total of
// an order became a string, and the product API lost its Vary header. Both
// sign their answers with X-Served-By and in the foot of their pages, so that
// people see who served them.
package demo
