// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"strings"
)

// Dump returns a summary of packet p on one line, for people and for golden
// transcripts: ports, verification tag, then the chunks, separated by
// semicolons. What cannot be decoded is shown as the error. The checksum is
// not shown unless it is wrong.
//
//	5001>3863 vtag=0xa1: SACK cum=5 a_rwnd=131072 gaps=[2-3]; DATA tsn=7 sid=1 ssn=0 ppid=11 BE len=64
func Dump(p []byte) string {
	h, err := ParseHeader(p)
	if err != nil {
		return err.Error()
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, "%d>%d vtag=%#x", h.SrcPort, h.DstPort, h.Tag)
	if !ChecksumOK(p) {
		w.WriteString(" bad checksum")
	}
	sep := ": "
	for c, err := range Chunks(p[HeaderLen:]) {
		w.WriteString(sep)
		sep = "; "
		if err != nil {
			w.WriteString(err.Error())
			break
		}
		c.dump(w)
	}
	return w.String()
}

// String returns a summary of the chunk on one line, as in Dump.
func (c Chunk) String() string {
	w := &strings.Builder{}
	c.dump(w)
	return w.String()
}

func (c Chunk) dump(w *strings.Builder) {
	w.WriteString(c.Type.String())
	if err := c.dumpBody(w); err != nil {
		fmt.Fprintf(w, " flags=%#x len=%d (%v)", c.Flags, len(c.Raw), err)
	}
}

func (c Chunk) dumpBody(w *strings.Builder) error {
	switch c.Type {
	case ChunkData:
		d, err := ParseData(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " tsn=%d sid=%d ssn=%d ppid=%d %s len=%d", d.TSN, d.Stream, d.SSN, d.PPID, dataFlags(d.Flags), len(d.Payload))
	case ChunkIData:
		d, err := ParseIData(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " tsn=%d sid=%d mid=%d", d.TSN, d.Stream, d.MID)
		if d.Flags&DataBegin != 0 {
			fmt.Fprintf(w, " ppid=%d", d.PPID)
		} else {
			fmt.Fprintf(w, " fsn=%d", d.FSN)
		}
		fmt.Fprintf(w, " %s len=%d", dataFlags(d.Flags), len(d.Payload))
	case ChunkInit, ChunkInitAck:
		i, err := ParseInit(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " tag=%#x a_rwnd=%d os=%d mis=%d tsn=%d", i.InitiateTag, i.ARwnd, i.OutboundStreams, i.InboundStreams, i.InitialTSN)
		dumpParams(w, i.Params)
	case ChunkSack:
		var s Sack
		if err := ParseSack(c, &s); err != nil {
			return err
		}
		fmt.Fprintf(w, " cum=%d a_rwnd=%d", s.CumTSNAck, s.ARwnd)
		dumpSackLists(w, &s)
	case ChunkHeartbeat, ChunkHeartbeatAck:
		info, err := ParseHeartbeat(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " info=%d bytes", len(info))
	case ChunkAbort:
		causes, reflected, err := ParseAbort(c)
		if err != nil {
			return err
		}
		dumpFlagT(w, reflected)
		dumpCauses(w, causes)
	case ChunkError:
		causes, err := ParseErrorChunk(c)
		if err != nil {
			return err
		}
		dumpCauses(w, causes)
	case ChunkShutdown:
		cum, err := ParseShutdown(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " cum=%d", cum)
	case ChunkShutdownComplete:
		reflected, err := ParseShutdownComplete(c)
		if err != nil {
			return err
		}
		dumpFlagT(w, reflected)
	case ChunkShutdownAck:
		return ParseShutdownAck(c)
	case ChunkCookieAck:
		return ParseCookieAck(c)
	case ChunkECNE, ChunkCWR:
		lowest, err := parseUint32Chunk(c, c.Type)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " lowest=%d", lowest)
	case ChunkCookieEcho, ChunkPad:
		fmt.Fprintf(w, " len=%d", len(c.Value))
	default:
		return c.dumpExtension(w)
	}
	return nil
}

func (c Chunk) dumpExtension(w *strings.Builder) error {
	switch c.Type {
	case ChunkForwardTSN:
		var f ForwardTSN
		if err := ParseForwardTSN(c, &f); err != nil {
			return err
		}
		fmt.Fprintf(w, " cum=%d", f.NewCumTSN)
		for _, s := range f.Streams {
			fmt.Fprintf(w, " sid=%d/ssn=%d", s.Stream, s.SSN)
		}
	case ChunkIForwardTSN:
		var f IForwardTSN
		if err := ParseIForwardTSN(c, &f); err != nil {
			return err
		}
		fmt.Fprintf(w, " cum=%d", f.NewCumTSN)
		for _, s := range f.Streams {
			u := ""
			if s.Unordered {
				u = "/U"
			}
			fmt.Fprintf(w, " sid=%d%s/mid=%d", s.Stream, u, s.MID)
		}
	case ChunkAuth:
		a, err := ParseAuth(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " key=%d %v", a.KeyID, a.HMACID)
	case ChunkAsconf:
		a, err := ParseAsconf(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " seq=%d addr=%v", a.Seq, a.Address)
		dumpParams(w, a.Params)
	case ChunkAsconfAck:
		a, err := ParseAsconfAck(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " seq=%d", a.Seq)
		dumpParams(w, a.Params)
	case ChunkReconfig:
		r, err := ParseReconfig(c)
		if err != nil {
			return err
		}
		dumpParams(w, r.Params)
	default:
		fmt.Fprintf(w, " flags=%#x len=%d", c.Flags, len(c.Raw))
	}
	return nil
}

func dataFlags(f uint8) string {
	s := ""
	for i, name := range [...]string{"I", "U", "B", "E"} {
		if f&(DataImmediate>>i) != 0 {
			s += name
		}
	}
	if s == "" {
		return "-"
	}
	return s
}

func dumpFlagT(w *strings.Builder, reflected bool) {
	if reflected {
		w.WriteString(" T")
	}
}

func dumpSackLists(w *strings.Builder, s *Sack) {
	for i, g := range s.Gaps {
		fmt.Fprintf(w, "%s%d-%d", open(i, " gaps=["), g.Start, g.End)
	}
	if len(s.Gaps) > 0 {
		w.WriteString("]")
	}
	if len(s.Dups) > 0 {
		fmt.Fprintf(w, " dups=%d", s.Dups)
	}
}

// open returns first before the first element of a list, a space before others.
func open(i int, first string) string {
	if i == 0 {
		return first
	}
	return " "
}
