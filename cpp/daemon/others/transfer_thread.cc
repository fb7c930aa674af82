#include "daemon/others/transfer_thread.h"

#include <csignal>
#include <utility>

namespace rayx::daemon {
namespace {

// The order's stream, if it has not ended.
template <typename Streams>
auto* StreamOf(Streams& streams, StreamNumber number) {
  const auto found = streams.find(number);
  return found == streams.end() ? nullptr : found->second.get();
}

}  // namespace

TransferThread::TransferThread(PoolService* pool, std::function<void()> wake)
    : pool_(pool), reports_(std::move(wake)), orders_([this] { loop_.Post([] {}); }) {
  // Signals are for the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop_.Run([this] { return OnTurn(); }); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TransferThread::~TransferThread() {
  is_ending_ = true;
  loop_.Post([] {});
  thread_.join();
}

bool TransferThread::OnTurn() {
  if (is_ending_) {
    sources_.clear();
    readers_.clear();
    loop_.Stop();
    return false;
  }
  for (TransferOrder& order : orders_.Take()) {
    std::visit([this](auto& one) { Do(one); }, order);
  }
  std::erase_if(sources_, [](const auto& one) { return one.second->OnTurn(); });
  bool takes_more = false;
  std::erase_if(readers_,
                [&takes_more](const auto& one) { return one.second->OnTurn(&takes_more); });
  return takes_more;
}

void TransferThread::Do(OpenToSource& order) {
  sources_[order.stream] = std::make_unique<SourceStream>(order.stream, &loop_, pool_, &reports_,
                                                          std::move(order.bytes));
}

void TransferThread::Do(OpenToReader& order) {
  readers_[order.stream] = std::make_unique<ReaderStream>(order.stream, &loop_, pool_, &reports_,
                                                          std::move(order.bytes));
}

void TransferThread::Do(FetchChunk& order) {
  if (SourceStream* stream = StreamOf(sources_, order.stream)) {
    stream->Fetch(order);
  } else {
    reports_.Put(ChunkEnded{.source = order.source, .name = order.chunk.name, .is_whole = false});
  }
}

void TransferThread::Do(LeaveValue& order) {
  if (SourceStream* stream = StreamOf(sources_, order.stream)) stream->Leave(order.id);
}

void TransferThread::Do(SendChunk& order) {
  if (ReaderStream* stream = StreamOf(readers_, order.stream)) stream->Send(order.chunk);
}

void TransferThread::Do(SayMissing& order) {
  if (ReaderStream* stream = StreamOf(readers_, order.stream)) stream->Say(order.message);
}

void TransferThread::Do(CloseStream& order) {
  if (SourceStream* stream = StreamOf(sources_, order.stream)) stream->Close(order.reason);
  if (ReaderStream* stream = StreamOf(readers_, order.stream)) stream->Close(order.reason);
}

}  // namespace rayx::daemon
