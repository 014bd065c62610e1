# A gateway of Net::SNPP::Server; what it was told goes to standard output, one line a page.
use strict;
use warnings;
use Net::SNPP::Server;

my ($port, $levels) = @ARGV;
$| = 1;
my $gateway = Net::SNPP::Server->new(Port => $port, BindTo => '127.0.0.1', Timeout => 10, MaxErrors => 5)
    or die "no gateway: $!";
my $asked = 0;
my @fates = ('860 1 261125103000+8 delivered', '881 2 261125103030+8 read', '888 3 261125103100+8 ACK');

$gateway->callback('process_page', sub {
    my ($pager, $page, $results) = @_;
    push @$results, [$pager, $page];
    print "PAGE $pager->[0] alert=", $page->{alert} // 0, " text=", join('|', split /\n/, $page->{mess}), "\n";
    return 1;
});
$gateway->custom_command(LEVE => sub { ($_[0] =~ /^\d+$/ ? '250 level taken' : '550 no such level', 1) });
if ($levels == 3) {
    for my $word (qw(NOQU ACKR RTYP KTAG)) {
        $gateway->custom_command($word => sub { ('250 taken', 1) });
    }
    $gateway->custom_command(MSTA => sub { ($fates[$asked < $#fates ? $asked++ : $asked], 1) });
} else {
    $gateway->custom_command('2WAY' => sub { ('500 not here', 1) });
}
print "READY\n";
while (my $caller = $gateway->client()) {
    $gateway->handle_client($caller);
    close $caller;
}
