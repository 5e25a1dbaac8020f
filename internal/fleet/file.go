package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// SnapshotFile is the name of the snapshot file in the state folder.
const SnapshotFile = "snapshot.json"

// The file is one JSON object of exactly this shape, so that people and tools
// can read it, and not one byte of it can change unnoticed:
//
//	{"format":"strangler snapshot 1","sha256":"<of the snapshot's text>","snapshot":{…}}
const (
	fileHead = `{"format":"strangler snapshot 1","sha256":"`
	fileBody = `","snapshot":`
	fileTail = "}\n"
)

// ErrSnapshotFile says that a file is not a snapshot, or not an undamaged one.
var ErrSnapshotFile = errors.New("not a usable snapshot file")

// WriteSnapshot replaces the file at path as a whole: whoever reads it, also
// after a crash, finds the old content or the new. Only the owner may read it,
// because it holds the salts.
func WriteSnapshot(path string, s *Snapshot) error {
	text, err := encodeSnapshot(s)
	if err != nil {
		return fmt.Errorf("encode revision %d: %w", s.Revision, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary := path + ".tmp"
	if err := writeSynced(temporary, text); err != nil {
		_ = os.Remove(temporary) // what went wrong before is what matters
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// ReadSnapshot reads what WriteSnapshot wrote, and seals it anew. Errors match
// fs.ErrNotExist when there is no file, and ErrSnapshotFile when there is one
// that is damaged, cut short, or something else.
func ReadSnapshot(path string) (*Snapshot, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := decodeSnapshot(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w; remove it if it stays in the way", ErrSnapshotFile, path, err)
	}
	return s, nil
}

func encodeSnapshot(s *Snapshot) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // evidence must come back byte for byte, or the digest changes
	if err := encoder.Encode(s); err != nil {
		return nil, err
	}
	snapshot := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	return bytes.Join([][]byte{[]byte(fileHead), checksum(snapshot), []byte(fileBody), snapshot, []byte(fileTail)}, nil), nil
}

func decodeSnapshot(text []byte) (*Snapshot, error) {
	rest, ok := bytes.CutPrefix(text, []byte(fileHead))
	if !ok {
		return nil, errors.New("it does not begin like one")
	}
	sum, rest, ok := bytes.Cut(rest, []byte(fileBody))
	snapshot, ended := bytes.CutSuffix(rest, []byte(fileTail))
	if !ok || !ended {
		return nil, errors.New("it is cut short")
	}
	if !bytes.Equal(sum, checksum(snapshot)) {
		return nil, errors.New("its checksum does not fit its content")
	}
	s := new(Snapshot)
	if err := json.Unmarshal(snapshot, s); err != nil {
		return nil, err
	}
	// The digests are those of the program that reads, not of the one that wrote.
	s.DefinitionsDigest = ""
	s.Controls.since(s.ReadAt, time.Now())
	s.Seal()
	return s, s.check()
}

func checksum(text []byte) []byte {
	sum := sha256.Sum256(text)
	return hex.AppendEncode(nil, sum[:])
}

func writeSynced(path string, text []byte) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Chmod(0o600); err != nil { // a file that was there keeps its own mode
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// syncFolder makes a rename survive a power cut.
func syncFolder(path string) (err error) {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return folder.Sync()
}

// missing reports whether there simply is no file.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
