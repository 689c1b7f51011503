// Checks the log of a package with Go's own implementation of notes and transparency logs, the one that its checksum
// database uses (golang.org/x/mod/sumdb/note and tlog): every log note's Ed25519 line, every entry's inclusion, every
// consistency proof. It shares nothing with custody.
//
//	log bag FOLDER          the folder "bag" of an unzipped package; ends with 0, or 1 and what is at fault
//	log vectors FILE…       one line a vector: its name, then ok or the fault
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var canonical = base64.StdEncoding.Strict()

type checkpoint struct {
	size int64
	root tlog.Hash
}

func hashOf(text string) (tlog.Hash, error) {
	var hash tlog.Hash
	raw, err := canonical.DecodeString(text)
	if err != nil || len(raw) != len(hash) || strings.ContainsAny(text, "\r\n") {
		return hash, fmt.Errorf("not a hash: %q", text)
	}
	copy(hash[:], raw)
	return hash, nil
}

func hashesOf(texts []string) ([]tlog.Hash, error) {
	hashes := []tlog.Hash{}
	for _, text := range texts {
		hash, err := hashOf(text)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func number(text string) (int64, error) {
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != text || size < 0 || len(text) > 16 {
		return 0, fmt.Errorf("not a size: %q", text)
	}
	return size, nil
}

// openNote checks the Ed25519 line and reads the three lines of a checkpoint. Go's library takes every other line for
// that of a signer whom it does not know: the ML-DSA-44 line is not checked here.
func openNote(data []byte, origin string, key ed25519.PublicKey) (checkpoint, error) {
	var found checkpoint
	if len(key) != ed25519.PublicKeySize {
		return found, errors.New("no Ed25519 key")
	}
	text, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return found, err
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return found, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return found, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return found, errors.New("not a checkpoint of this record")
	}
	if found.size, err = number(lines[1]); err != nil {
		return found, err
	}
	found.root, err = hashOf(lines[2])
	return found, err
}

func included(entry []byte, index int64, path []string, head checkpoint) error {
	hashes, err := hashesOf(path)
	if err != nil {
		return err
	}
	if index < 0 || index >= head.size {
		return errors.New("no such leaf")
	}
	return tlog.CheckRecord(tlog.RecordProof(hashes), head.size, head.root, index, tlog.RecordHash(entry))
}

func consistent(old, now checkpoint, path []string) error {
	hashes, err := hashesOf(path)
	if err != nil {
		return err
	}
	if old.size < 1 || old.size > now.size {
		return errors.New("not from a smaller record to a larger one")
	}
	return tlog.CheckTree(tlog.TreeProof(hashes), now.size, now.root, old.size, old.root)
}

func consistencyFile(data []byte) (int64, []string, error) {
	lines := strings.Split(string(data), "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "old ") || lines[len(lines)-1] != "" || lines[len(lines)-2] != "" {
		return 0, nil, errors.New("not a consistency proof")
	}
	old, err := number(lines[0][len("old "):])
	return old, lines[1 : len(lines)-2], err
}

// genesis gives the record's name and Ed25519 log key, as entry 0 states them.
func genesis(folder string) (string, ed25519.PublicKey, error) {
	data, err := os.ReadFile(filepath.Join(folder, "custody", "entries", "0.json"))
	if err != nil {
		return "", nil, err
	}
	var envelope struct{ Payload []byte }
	var body struct {
		Ledger string
		Public struct {
			Keys []struct {
				Alg string
				Key []byte
			} `json:"log_keys"`
		}
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return "", nil, err
	}
	if err := json.Unmarshal(envelope.Payload, &body); err != nil {
		return "", nil, err
	}
	for _, key := range body.Public.Keys {
		if key.Alg == "ed25519" {
			return body.Ledger, key.Key, nil
		}
	}
	return "", nil, errors.New("entry 0 names no Ed25519 log key")
}

func bag(folder string) []error {
	var faults []error
	fault := func(where string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", where, err))
		}
	}
	origin, key, err := genesis(folder)
	if err != nil {
		return []error{err}
	}
	log := filepath.Join(folder, "custody")
	notes := map[int64]checkpoint{}
	var head checkpoint
	names, _ := filepath.Glob(filepath.Join(log, "log", "*.note"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		fault(name, err)
		found, err := openNote(data, origin, key)
		fault(name, err)
		if err == nil && filepath.Base(name) != fmt.Sprintf("%d.note", found.size) {
			fault(name, errors.New("a note of another size"))
		} else if err == nil {
			notes[found.size] = found
			if found.size > head.size {
				head = found
			}
		}
	}
	proofs, err := os.ReadFile(filepath.Join(log, "proofs.jsonl"))
	fault("proofs.jsonl", err)
	proven := map[string]bool{}
	for place, line := range strings.Split(strings.TrimSuffix(string(proofs), "\n"), "\n") {
		var proof struct {
			Index int64
			Path  []string
		}
		if err := json.Unmarshal([]byte(line), &proof); err != nil {
			fault(fmt.Sprintf("proofs.jsonl, line %d", place+1), err)
			continue
		}
		name := filepath.Join(log, "entries", fmt.Sprintf("%d.json", proof.Index))
		entry, err := os.ReadFile(name)
		if err == nil {
			err = included(entry, proof.Index, proof.Path, head)
		}
		fault(name, err)
		proven[name] = true
	}
	entries, _ := filepath.Glob(filepath.Join(log, "entries", "*"))
	for _, name := range entries {
		if !proven[name] {
			fault(name, errors.New("an entry without a proof"))
		}
	}
	connected := map[int64]bool{head.size: true}
	names, _ = filepath.Glob(filepath.Join(log, "consistency", "*"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		fault(name, err)
		size, path, err := consistencyFile(data)
		if old, here := notes[size]; err == nil && here {
			err = consistent(old, head, path)
			connected[size] = err == nil
		}
		if err == nil && filepath.Base(name) != fmt.Sprintf("%d.txt", size) {
			err = errors.New("a proof of another size")
		}
		fault(name, err)
	}
	for size := range notes {
		if !connected[size] {
			fault(fmt.Sprintf("log/%d.note", size), errors.New("the record is not shown to continue it"))
		}
	}
	if len(faults) == 0 {
		fmt.Printf("%d notes, %d entries, %d proofs of growth hold; the record has %d entries\n",
			len(notes), len(proven), len(names), head.size)
	}
	return faults
}

func main() {
	if len(os.Args) < 3 || (os.Args[1] != "bag" && os.Args[1] != "vectors") {
		fmt.Fprintln(os.Stderr, "usage: log bag FOLDER | log vectors FILE…")
		os.Exit(2)
	}
	if os.Args[1] == "vectors" {
		for _, name := range os.Args[2:] {
			if err := vector(name); err != nil {
				fmt.Printf("%s %s\n", filepath.Base(name), strings.ReplaceAll(err.Error(), "\n", " "))
			} else {
				fmt.Printf("%s ok\n", filepath.Base(name))
			}
		}
		return
	}
	faults := bag(os.Args[2])
	for _, err := range faults {
		fmt.Println(err)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}
