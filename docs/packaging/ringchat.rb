# A formula for Homebrew: `brew install --HEAD --formula docs/packaging/ringchat.rb`, once `head` names the repository.
class Ringchat < Formula
  desc "Chat room without a server"
  homepage "https://example.org/ringchat"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://example.org/ringchat.git", branch: "main"

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args(path: "cli")
    man1.install "docs/ringchat.1"
    generate_completions_from_executable(bin/"ringchat", "completions")
  end

  test do
    assert_match "ringchat #{version}", shell_output("#{bin}/ringchat --version") unless head?
    # Neither a room to join nor one to create.
    assert_match "no room to join", shell_output("#{bin}/ringchat --no-log 2>&1", 2)
  end
end
