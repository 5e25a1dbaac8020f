package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Identity tells one table from every other: two snapshots with the same
// identity route alike.
type Identity struct {
	StoreID  string
	Revision routing.Revision
	Digest   string
}

// Identity returns the identity of a sealed snapshot.
func (s *Snapshot) Identity() Identity {
	return Identity{StoreID: s.StoreID, Revision: s.Revision, Digest: s.Digest}
}

// Seal fills in the digests, as lower-case hexadecimal SHA-256. It is the last
// thing done to a snapshot before anybody else sees it.
//
// A DefinitionsDigest that is already there is kept, so that a snapshot which
// shares its definitions with an older one does not pay for them again. Digest
// covers the store's id, the definitions' digest, each route's state and
// revision in order, the ids of revoked overrides, and the controls; not who
// changed something, nor when.
func (s *Snapshot) Seal() {
	if s.DefinitionsDigest == "" {
		s.DefinitionsDigest = s.Definitions.Digest()
	}
	buf := make([]byte, 0, 256+32*len(s.Routes))
	buf = appendText(buf, s.StoreID)
	buf = appendText(buf, s.DefinitionsDigest)
	for i := range s.Routes {
		buf = s.Routes[i].appendDigest(buf)
	}
	for _, revoked := range s.RevokedOverrides {
		buf = appendText(buf, revoked.ID)
	}
	buf = s.Controls.appendDigest(buf)
	sum := sha256.Sum256(buf)
	s.Digest = hex.EncodeToString(sum[:])
}

func (r *RouteState) appendDigest(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, uint64(r.Revision))
	buf = append(buf, byte(r.Stage))
	buf = binary.AppendUvarint(buf, uint64(r.Weight))
	buf = appendText(buf, string(r.Hold.Kind))
	buf = appendText(buf, r.Hold.Reason)
	return appendText(buf, compact(r.Hold.Evidence))
}

// compact removes the white space that databases and files put into JSON as
// they like, so that it cannot change a digest.
func compact(evidence json.RawMessage) string {
	if len(evidence) == 0 {
		return ""
	}
	var out bytes.Buffer
	if json.Compact(&out, evidence) != nil {
		return string(evidence)
	}
	return out.String()
}

// appendText writes the length first, so that two texts cannot run into each other.
func appendText(buf []byte, text string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(text)))
	return append(buf, text...)
}

func appendNumbers(buf []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		buf = binary.AppendVarint(buf, n)
	}
	return buf
}
