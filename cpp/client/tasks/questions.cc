#include "client/tasks/questions.h"

#include <flatbuffers/minireflect.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace rayx {
namespace {

using flatbuffers::ElementaryType;
using flatbuffers::TypeCode;
using flatbuffers::TypeTable;
using Offset = flatbuffers::Offset<void>;

// --- writing ---

std::optional<size_t> IndexOf(const TypeTable& type, std::string_view name) {
  for (size_t i = 0; i < type.num_elems; ++i) {
    if (name == type.names[i]) return i;
  }
  return std::nullopt;
}

const TypeTable* TypeOf(const TypeTable& type, size_t index) {
  const int reference = type.type_codes[index].sequence_ref;
  return reference < 0 ? nullptr : type.type_refs[reference]();
}

// A field that the table points to; nothing of one that it holds.
std::optional<Offset> WriteBehind(flatbuffers::FlatBufferBuilder* builder, const TypeCode& code,
                                  const Value& value) {
  if (code.base_type == flatbuffers::ET_STRING && code.is_repeating == 0 &&
      value.kind == Value::Kind::kText) {
    return Offset(builder->CreateString(value.text).o);
  }
  if (code.base_type == flatbuffers::ET_UCHAR && code.is_repeating != 0 &&
      value.kind == Value::Kind::kBytes) {
    const auto* data = reinterpret_cast<const uint8_t*>(value.text.data());
    return Offset(builder->CreateVector(data, value.text.size()).o);
  }
  return std::nullopt;
}

// False if the table has no place for the value.
bool WriteInside(flatbuffers::FlatBufferBuilder* builder, flatbuffers::voffset_t field,
                 ElementaryType type, const Value& value) {
  if (type == flatbuffers::ET_SEQUENCE && value.kind == Value::Kind::kBytes) {
    const auto* id = reinterpret_cast<const uint8_t*>(value.text.data());
    if (value.text.size() == sizeof(protocol::Id16)) {
      builder->AddStruct(field, reinterpret_cast<const protocol::Id16*>(id));
    } else {
      builder->AddStruct(field, reinterpret_cast<const protocol::Id20*>(id));
    }
    return true;
  }
  if (value.kind != Value::Kind::kInteger) return false;
  switch (type) {
    case flatbuffers::ET_BOOL:
      builder->AddElement<uint8_t>(field, value.integer != 0, 0);
      return true;
    case flatbuffers::ET_INT:
    case flatbuffers::ET_UINT:
      builder->AddElement<int32_t>(field, static_cast<int32_t>(value.integer), 0);
      return true;
    case flatbuffers::ET_LONG:
    case flatbuffers::ET_ULONG:
      builder->AddElement<int64_t>(field, value.integer, 0);
      return true;
    default:
      return false;
  }
}

bool IsIdOf(const TypeTable* type, const Value& value) {
  return type != nullptr && type->st == flatbuffers::ST_STRUCT &&
         value.kind == Value::Kind::kBytes &&
         value.text.size() == flatbuffers::InlineSize(flatbuffers::ET_SEQUENCE, type);
}

Result<Offset> WriteTable(flatbuffers::FlatBufferBuilder* builder, const std::string& question,
                          const TypeTable& type, const Value& fields) {
  const auto wrong = [&](size_t i) {
    return Status::InvalidArgument("the question " + question + " takes no such " +
                                   fields.names[i]);
  };
  struct Place {
    size_t index = 0;
    std::optional<Offset> behind;
  };
  std::vector<Place> places;
  for (size_t i = 0; i < fields.items.size(); ++i) {
    const std::optional<size_t> index = IndexOf(type, fields.names[i]);
    if (!index) return wrong(i);
    const TypeCode& code = type.type_codes[*index];
    const bool is_sequence = code.base_type == flatbuffers::ET_SEQUENCE;
    if (is_sequence && !IsIdOf(TypeOf(type, *index), fields.items[i])) return wrong(i);
    places.push_back({*index, WriteBehind(builder, code, fields.items[i])});
  }
  const flatbuffers::uoffset_t start = builder->StartTable();
  Status status = Status::Ok();
  for (size_t i = 0; i < places.size(); ++i) {
    const auto field =
        flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(places[i].index));
    const auto base = static_cast<ElementaryType>(type.type_codes[places[i].index].base_type);
    if (places[i].behind) {
      builder->AddOffset(field, *places[i].behind);
    } else if (!WriteInside(builder, field, base, fields.items[i])) {
      status = wrong(i);
    }
  }
  const Offset table(builder->EndTable(start));
  if (!status.ok()) return status;
  return table;
}

// --- reading ---

Value ReadTable(const uint8_t* table, const TypeTable& type);

template <typename Number>
Value ReadInteger(const uint8_t* place) {
  return Value::OfInteger(
      place == nullptr ? 0 : static_cast<int64_t>(flatbuffers::ReadScalar<Number>(place)));
}

const uint8_t* Follow(const uint8_t* place) {
  return place + flatbuffers::ReadScalar<flatbuffers::uoffset_t>(place);
}

std::string_view Characters(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// `place` null: it is absent.
Value ReadOne(ElementaryType base, const TypeTable* type, const uint8_t* place) {
  switch (base) {
    case flatbuffers::ET_BOOL:
    case flatbuffers::ET_UCHAR:
      return ReadInteger<uint8_t>(place);
    case flatbuffers::ET_INT:
      return ReadInteger<int32_t>(place);
    case flatbuffers::ET_UINT:
      return ReadInteger<uint32_t>(place);
    case flatbuffers::ET_LONG:
      return ReadInteger<int64_t>(place);
    case flatbuffers::ET_ULONG:
      return ReadInteger<uint64_t>(place);
    case flatbuffers::ET_DOUBLE:
      return Value::OfReal(place == nullptr ? 0 : flatbuffers::ReadScalar<double>(place));
    default:
      break;
  }
  if (place == nullptr) return {};
  if (base == flatbuffers::ET_STRING) {
    const auto* text = reinterpret_cast<const flatbuffers::String*>(Follow(place));
    return Value::OfText(text->string_view());
  }
  if (base != flatbuffers::ET_SEQUENCE) return {};
  if (type->st == flatbuffers::ST_TABLE) return ReadTable(Follow(place), *type);
  return Value::OfBytes(Characters(place, flatbuffers::InlineSize(base, type)));
}

Value ReadVector(ElementaryType base, const TypeTable* type, const uint8_t* place) {
  const bool is_bytes = base == flatbuffers::ET_UCHAR;
  if (place == nullptr) return is_bytes ? Value() : Value(Value::Kind::kList);
  const auto* vector = reinterpret_cast<const flatbuffers::Vector<uint8_t>*>(Follow(place));
  if (is_bytes) return Value::OfBytes(Characters(vector->Data(), vector->size()));
  Value list(Value::Kind::kList);
  list.items.reserve(vector->size());
  const size_t step = flatbuffers::InlineSize(base, type);
  for (size_t i = 0; i < vector->size(); ++i) {
    list.items.push_back(ReadOne(base, type, vector->Data() + i * step));
  }
  return list;
}

Value ReadTable(const uint8_t* table, const TypeTable& type) {
  Value made(Value::Kind::kTable);
  for (size_t i = 0; i < type.num_elems; ++i) {
    const TypeCode& code = type.type_codes[i];
    const auto base = static_cast<ElementaryType>(code.base_type);
    const uint8_t* place = reinterpret_cast<const flatbuffers::Table*>(table)->GetAddressOf(
        flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(i)));
    const TypeTable* inner = TypeOf(type, i);
    made.Add(type.names[i],
             code.is_repeating != 0 ? ReadVector(base, inner, place) : ReadOne(base, inner, place));
  }
  return made;
}

}  // namespace

Status EncodeQuestion(flatbuffers::FlatBufferBuilder* builder, uint64_t request,
                      const std::string& question, const Value& fields) {
  const TypeTable& known = *protocol::QuestionTypeTable();
  const std::optional<size_t> index = IndexOf(known, question);
  if (!index || *index == 0) {
    return Status::InvalidArgument("there is no question " + question);
  }
  const Result<Offset> table = WriteTable(builder, question, *TypeOf(known, *index), fields);
  if (!table.ok()) return table.status();
  builder->Finish(
      protocol::CreateQuery(*builder, request, static_cast<protocol::Question>(*index), *table));
  if (VerifiedMessage<protocol::Query>(MessageBytes(*builder)) == nullptr) {
    return Status::InvalidArgument("the question " + question + " lacks what it asks about");
  }
  return Status::Ok();
}

Value DecodeReply(const protocol::Answer& answer) {
  const auto number = static_cast<size_t>(answer.reply_type());
  const TypeTable& known = *protocol::ReplyTypeTable();
  if (answer.reply() == nullptr || number == 0 || number >= known.num_elems) return {};
  return ReadTable(static_cast<const uint8_t*>(answer.reply()), *TypeOf(known, number));
}

}  // namespace rayx
