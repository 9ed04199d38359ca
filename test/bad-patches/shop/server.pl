#!/usr/bin/perl
# The shop of the corpus: answers every request with its greeting. Patches replace the two marked places.
use strict;
use warnings;
use IO::Socket::INET;

open my $file, '<', '/etc/acme-shop/shop.conf' or die "no settings: $!\n";
my %settings = map { /^(\w+)=(.*)/ ? ($1 => $2) : () } <$file>;
my $greeting = do { local (@ARGV, $/) = '/usr/share/acme/greeting.txt'; <> };
my $data = do { local (@ARGV, $/) = '/var/lib/acme-shop/data'; <> };
die "unknown format of the data\n" unless $data =~ /^format 1/;
#STARTUP
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $settings{port}, Listen => 20, ReuseAddr => 1)
  or die "cannot listen: $!\n";
system 'systemd-notify --ready';
while (1) {
  my $client = $listener->accept or next;
  while (my $line = <$client>) { last if $line =~ /^\r?$/ }
  my ($status, $body) = (200, $greeting);
  #REQUEST
  print $client "HTTP/1.0 $status Shop\r\nContent-Type: text/plain\r\n\r\n$body\n";
  close $client;
}
