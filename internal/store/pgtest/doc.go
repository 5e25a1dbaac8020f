// Package pgtest gives tests a real PostgreSQL: it starts the installed server
// in a temporary folder, or uses the one that STRANGLER_TEST_POSTGRES names. It
// can put a PgBouncer in front.
//
// A test package calls Main from its TestMain, and URL in each test. A missing
// PostgreSQL fails the test: a skipped one would look like a passed one.
package pgtest
